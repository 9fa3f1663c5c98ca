import { type ChildProcess, spawn } from 'node:child_process';
import { afterEach, expect, it, vi } from 'vitest';
import type { EmbeddedDatabase } from '#store';
import { SupervisedDatabase } from './supervised-database.js';

const WAIT = { timeout: 10_000, interval: 20 };
const processes: ChildProcess[] = [];

afterEach(() => {
  for (const child of processes.splice(0)) child.kill('SIGKILL');
});

/** A server that is a process and nothing else. */
function aServer(stop: () => void): EmbeddedDatabase {
  const child = spawn('sleep', ['60']);
  processes.push(child);
  const pid = child.pid ?? 0;
  return { url: 'postgres://db', port: 1, pid, adopted: false, stop: async () => stop() };
}

it('stops the server a restart under way brings up', async () => {
  const stopped: string[] = [];
  const moved: string[] = [];
  const opening: ((server: EmbeddedDatabase) => void)[] = [];
  const database = new SupervisedDatabase({
    open: () => new Promise((resolve) => opening.push(resolve)),
    report: () => undefined,
    onMoved: (url) => moved.push(url),
  });
  const starting = database.start();
  opening[0]?.(aServer(() => stopped.push('first')));
  await starting;
  processes[0]?.kill('SIGKILL');
  await vi.waitFor(() => expect(opening).toHaveLength(2), WAIT);

  const stopping = database.stop();
  opening[1]?.({ ...aServer(() => stopped.push('second')), url: 'postgres://elsewhere' });
  await stopping;

  expect(stopped).toEqual(['second']);
  expect(moved).toEqual([]);
});
