import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { JournalRecord } from '#cluster';
import { type RunKey, runKey, runKeyOfTask } from '#core';
import type { TaskInfo } from '#mesos-v1';
import { FileTaskJournal } from './file-task-journal.js';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pacer-journal-'));
});
afterEach(async () => {
  for (const journal of opened.splice(0)) await journal.close();
  await rm(folder, { recursive: true, force: true });
});
const opened: FileTaskJournal[] = [];

const open = async (limits?: { readonly compactFromBytes: number }) => {
  const journal = new FileTaskJournal(folder, () => undefined, limits);
  const recovered = await journal.open();
  opened.push(journal);
  return { journal, recovered };
};
const logPath = () => join(folder, 'tasks.log');
const definition = (id: string): TaskInfo => ({
  name: 'grüße\nzweite Zeile',
  task_id: { value: id },
  agent_id: { value: 'a1' },
  resources: [],
});
const run = (id: string): RunKey => runKey(id, 'x');
const accepted = (id: string): JournalRecord => ({
  kind: 'accepted',
  run: run(id),
  framework: { user: 'root', name: 'f' },
  task: definition(id),
});
const update = (id: string, uuid: string, state = 'TASK_RUNNING'): JournalRecord => ({
  kind: 'update',
  run: run(id),
  status: { task_id: { value: id }, state, uuid },
});

test('what was appended is read back after a restart', async () => {
  const { journal } = await open();
  await journal.saveIdentity({ agentId: 'a1', highestEpoch: 3, bootId: 'b' });
  await journal.append([accepted('web 1'), { kind: 'launching', run: run('web 1') }]);
  await journal.append([update('web 1', 'u1'), update('web 1', 'u2')]);
  await journal.append([{ kind: 'acknowledged', run: run('web 1'), uuid: 'u1' }]);
  await journal.close();

  const { recovered } = await open();

  expect(recovered.identity).toEqual({ agentId: 'a1', highestEpoch: 3, bootId: 'b' });
  expect(recovered.image.tasks.get(run('web 1'))).toMatchObject({
    isLaunching: true,
    task: definition('web 1'),
    pending: [{ uuid: 'u2' }],
    latest: { uuid: 'u2' },
  });
});

test('a last record cut off at any byte leaves the state before it, and the journal usable', async () => {
  const { journal } = await open();
  await journal.append([accepted('web'), update('web', 'u1')]);
  const whole = (await readFile(logPath())).length;
  await journal.append([update('web', 'u2', 'TASK_FINISHED')]);
  await journal.close();
  const bytes = await readFile(logPath());

  for (let cut = whole; cut < bytes.length; cut += 1) {
    await writeFile(logPath(), bytes.subarray(0, cut));
    const { journal: next, recovered } = await open();
    await next.append([update('web', 'u3')]);
    await next.close();
    const again = await open();
    await again.journal.close();

    expect(recovered.damaged.size, `cut at ${cut}`).toBe(0);
    expect(recovered.image.tasks.get(run('web'))?.latest?.uuid, `cut at ${cut}`).toBe('u1');
    expect(again.recovered.image.tasks.get(run('web'))?.latest?.uuid, `cut at ${cut}`).toBe('u3');
  }
});

test('a byte changed anywhere in a line costs that task at most, never another', async () => {
  const { journal } = await open();
  await journal.append([accepted('before')]);
  const from = (await readFile(logPath())).length;
  await journal.append([update('before', 'u1')]);
  const to = (await readFile(logPath())).length;
  await journal.append([accepted('after'), update('after', 'u1')]);
  await journal.close();
  const bytes = await readFile(logPath());

  for (let at = from; at < to - 1; at += 1) {
    const broken = Buffer.from(bytes);
    broken[at] = (broken[at] ?? 0) ^ 0x01;
    await writeFile(logPath(), broken);
    const { journal: next, recovered } = await open();
    await next.close();

    expect(recovered.image.tasks.get(run('after'))?.latest?.uuid, `byte ${at}`).toBe('u1');
    const isWhole = recovered.image.tasks.get(run('before'))?.latest?.uuid === 'u1';
    expect(isWhole !== recovered.damaged.has(run('before')), `byte ${at}`).toBe(true);
    expect(recovered.unattributed, `byte ${at}`).toBeUndefined();
    expect(recovered.damaged.has(run('after')), `byte ${at}`).toBe(false);
  }
});

test('a damaged line names its task', async () => {
  const { journal } = await open();
  await journal.append([accepted('web'), update('web', 'u1')]);
  await journal.close();
  const text = await readFile(logPath(), 'utf8');
  await writeFile(logPath(), text.replace('TASK_RUNNING', 'TASK_RUNNINH'));

  const { recovered } = await open();

  expect(recovered.damaged.get(run('web'))).toContain('checksum does not match');
});

test('completed tasks and acknowledged updates are dropped when the log is compacted', async () => {
  const { journal } = await open({ compactFromBytes: 4_000 });
  for (let index = 0; index < 400; index += 1) {
    const id = `t${index}`;
    const status = { task_id: { value: id }, state: 'TASK_FINISHED', uuid: 'u' };
    await journal.append([accepted(id), update(id, 'u', 'TASK_FINISHED')]);
    if (index === 0) continue;
    await journal.append([
      { kind: 'completed', run: run(id), taskId: id, frameworkId: 'f1', status },
    ]);
  }
  await journal.close();

  const { recovered } = await open();

  expect((await readFile(logPath())).length).toBeLessThan(150_000);
  expect([...recovered.image.tasks.keys()]).toEqual([run('t0')]);
  expect(recovered.image.completed.size).toBe(200);
  expect(recovered.image.completed.has(run('t399'))).toBe(true);
});

test('a damaged identity is refused rather than taken for a new agent', async () => {
  const { journal } = await open();
  await journal.saveIdentity({ agentId: 'a1', highestEpoch: 3, bootId: 'b' });
  await journal.close();
  await writeFile(join(folder, 'agent.json'), '{"agentId":"a1"');

  await expect(open()).rejects.toThrow('agent.json is damaged');
});

/** Lines of a version without keys: the task's id stands where a run's key does now. */
const earlierLine = (record: { readonly taskId: string }): string => {
  const body = `${encodeURIComponent(record.taskId)} ${JSON.stringify(record)}`;
  return `${crc32(body).toString(16).padStart(8, '0')} ${body}\n`;
};

test('what was written before runs had keys is read back: the id of the task is its key', async () => {
  const earlier = [
    {
      kind: 'accepted',
      taskId: 'web 1',
      framework: { user: 'root', name: 'f' },
      task: definition('web 1'),
    },
    { kind: 'launching', taskId: 'web 1' },
    { kind: 'update', taskId: 'web 1', status: { state: 'TASK_RUNNING', uuid: 'u1' } },
    { kind: 'acknowledged', taskId: 'web 1', uuid: 'u1' },
    {
      kind: 'snapshot',
      taskId: 'b',
      record: { task: definition('b'), isLaunching: true, pending: [] },
    },
    { kind: 'completed', taskId: 'c', frameworkId: 'f1', status: { state: 'TASK_FINISHED' } },
  ];
  await writeFile(logPath(), earlier.map(earlierLine).join(''));
  const { journal } = await open({ compactFromBytes: 1 });
  const key = runKeyOfTask('web 1');
  await journal.append([
    {
      kind: 'update',
      run: key,
      status: { task_id: { value: 'web 1' }, state: 'TASK_FAILED', uuid: 'u2' },
    },
  ]);
  await journal.close();

  const { recovered } = await open();

  expect(recovered.damaged.size).toBe(0);
  expect([...recovered.image.tasks.keys()]).toEqual(['web 1', 'b']);
  expect(recovered.image.tasks.get(key)).toMatchObject({
    isLaunching: true,
    task: definition('web 1'),
    pending: [{ uuid: 'u2' }],
  });
  expect([...recovered.image.completed.values()]).toMatchObject([
    { run: 'c', taskId: 'c', frameworkId: 'f1' },
  ]);
});

test('a damaged line of before runs had keys names its task', async () => {
  const line = earlierLine({ taskId: 'web 1' });
  await writeFile(logPath(), line.replace('}', ')'));

  const { recovered } = await open();

  expect(recovered.damaged.get(runKeyOfTask('web 1'))).toContain('checksum does not match');
});
