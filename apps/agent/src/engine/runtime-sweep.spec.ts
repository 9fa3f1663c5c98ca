import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { runKeyOfTask } from '#core';
import { settle } from '../../../../test/support/virtual-clock.js';
import { DirectorySandboxStore } from '../sandbox/directory-sandbox-store.js';
import { createWorld, framework, launch, startEngine, task } from './agent-engine.test-support.js';

test('an agent that died before it removed the runtime folder of a completed run does so when it starts', async () => {
  const root = await mkdtemp(join(tmpdir(), 'pacer-runtime-sweep-'));
  onTestFinished(async () => await rm(root, { recursive: true }));
  const world = createWorld();
  const sandboxes = new DirectorySandboxStore(root);
  const first = await startEngine(world, { sandboxes });
  first.link.admit();
  for (const id of ['ended', 'kept']) launch(first.link, task(id));
  await settle();
  const runOf = (id: string) => [...first.engine.state.tasks.values()].find((one) => one.id === id);
  const [ended, kept] = [runOf('ended'), runOf('kept')];
  if (ended === undefined || kept === undefined) throw new Error('both tasks are to run');
  first.engine.halt();
  const status = { task_id: { value: 'ended' }, state: 'TASK_FINISHED' };
  const about = { run: ended.run, taskId: 'ended', frameworkId: framework.id?.value ?? '' };
  await world.journal.append([{ kind: 'completed', ...about, status }]);
  await sandboxes.prepare(runKeyOfTask('long-ago'), {});

  await startEngine(world, { sandboxes });

  expect(await readdir(join(root, 'runtime'))).toEqual([kept.run]);
  expect((await readdir(join(root, 'sandboxes'))).sort()).toEqual(
    [ended.run, kept.run, 'long-ago'].sort(),
  );
});
