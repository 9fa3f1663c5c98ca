import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { endWithReader, outliveReader } from './closed-output.js';

const LIMIT_MS = 20_000;
/** Says what it does forever, and ends with 7 when it is asked to. */
const WRITER =
  "setInterval(() => process.stdout.write('line\\n'), 5); process.stdin.on('data', () => process.exit(7));";

let child: ChildProcess;

/** A process of its own: only a real pipe breaks. Its functions are ours, as text. */
function startWriter(calls: string) {
  const functions = [endWithReader, outliveReader].map(String).join('\n');
  const started = spawn(process.execPath, ['-e', `${functions}\n${calls}\n${WRITER}`]);
  child = started;
  return started;
}

afterEach(() => void child.kill('SIGKILL'));

describe('when the reader of the output is gone', () => {
  it(
    'a command ends quietly',
    async () => {
      const writer = startWriter('endWithReader(process.stdout);');
      const errors: string[] = [];
      writer.stderr.on('data', (data) => errors.push(String(data)));
      await once(writer.stdout, 'data');

      writer.stdout.destroy();
      const [code] = await once(writer, 'close');

      expect([code, errors]).toEqual([0, []]);
    },
    LIMIT_MS,
  );

  it(
    'a cluster goes on',
    async () => {
      const writer = startWriter(
        "endWithReader(process.stdout); outliveReader(process.stdout); process.stdout.on('error', () => process.stderr.write('broken'));",
      );
      await once(writer.stdout, 'data');

      writer.stdout.destroy();
      await once(writer.stderr, 'data');
      writer.stdin.write('end');
      const [code] = await once(writer, 'exit');

      expect(code).toBe(7);
    },
    LIMIT_MS,
  );
});
