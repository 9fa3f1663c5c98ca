import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { JournalRecord } from '#cluster';
import { runKey } from '#core';
import { FileTaskJournal } from './file-task-journal.js';
import { type JournalFiles, nodeJournalFiles } from './journal-files.js';

let folder = '';
const opened: FileTaskJournal[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pacer-journal-disk-'));
});
afterEach(async () => {
  for (const journal of opened.splice(0)) await journal.close();
  await rm(folder, { recursive: true, force: true });
});

type Call = 'append' | 'truncate' | 'sync-log' | 'write' | 'rename' | 'sync';

/** Real files of which some calls fail; a failed append leaves a part behind where `leaves` says so. */
function breakable() {
  const broken = { calls: new Set<Call>(), code: 'ENOSPC', leaves: false };
  const check = (call: Call): void => {
    if (!broken.calls.has(call)) return;
    throw Object.assign(new Error(`${broken.code}: refused, ${call}`), { code: broken.code });
  };
  const files: JournalFiles = {
    ...nodeJournalFiles,
    openLog: async (path) => {
      const file = await nodeJournalFiles.openLog(path);
      return {
        ...file,
        append: async (bytes) => {
          if (broken.calls.has('append') && broken.leaves) await file.append(bytes.subarray(0, 9));
          check('append');
          await file.append(bytes);
        },
        truncate: async (size) => {
          check('truncate');
          await file.truncate(size);
        },
        sync: async () => {
          check('sync-log');
          await file.sync();
        },
      };
    },
    write: async (path, text) => {
      check('write');
      await nodeJournalFiles.write(path, text);
    },
    rename: async (from, to) => {
      check('rename');
      await nodeJournalFiles.rename(from, to);
    },
    sync: async (path) => {
      check('sync');
      await nodeJournalFiles.sync(path);
    },
  };
  return { broken, files };
}

async function open(files: JournalFiles, compactFromBytes?: number) {
  const journal = new FileTaskJournal(folder, () => undefined, {
    files,
    retryDelaysMs: [5],
    ...(compactFromBytes === undefined ? {} : { compactFromBytes }),
  });
  opened.push(journal);
  const problems: (string | undefined)[] = [];
  journal.watch((problem) => problems.push(problem));
  const recovered = await journal.open();
  return { journal, recovered, problems };
}

const RUN = runKey('web', 'x');
const accepted = (id: string): JournalRecord => ({
  kind: 'accepted',
  run: runKey(id, 'x'),
  framework: { user: 'root', name: 'f' },
  task: { name: id, task_id: { value: id }, agent_id: { value: 'a1' }, resources: [] },
});
const update = (uuid: string): JournalRecord => ({
  kind: 'update',
  run: RUN,
  status: { task_id: { value: 'web' }, state: 'TASK_RUNNING', uuid },
});
const lines = async () =>
  (await readFile(join(folder, 'tasks.log'), 'utf8')).split('\n').length - 1;

/** How a promise stands after the disk was tried some more times. */
async function standing(promise: Promise<void>): Promise<string> {
  const late = new Promise<string>((resolve) => setTimeout(() => resolve('waits'), 60));
  return await Promise.race([
    promise.then(
      () => 'written',
      () => 'refused',
    ),
    late,
  ]);
}

describe.each([
  ['full and takes a part of a line', 'ENOSPC', ['append', 'write'], true],
  ['read-only', 'EROFS', ['append', 'truncate', 'write'], false],
  ['broken when it is flushed', 'EIO', ['sync-log'], false],
] as const)('on a disk that is %s', (_, code, calls, leaves) => {
  test('a launch is refused, everything else waits and is written when it can be', async () => {
    const { broken, files } = breakable();
    const { journal, problems } = await open(files);
    await journal.append([accepted('web')]);
    Object.assign(broken, { code, calls: new Set(calls), leaves });

    const waiting = journal.append([update('u1')]);
    const refused = journal.append([
      accepted('new'),
      { kind: 'launching', run: runKey('new', 'x') },
    ]);

    await expect(refused).rejects.toMatchObject({
      code: 'UNWRITTEN',
      message: expect.stringContaining(`tasks.log: ${code}`),
    });
    expect(await standing(waiting)).toBe('waits');
    broken.calls.clear();
    await waiting;
    await journal.append([accepted('next')]);

    expect(problems).toEqual([expect.stringContaining(code), undefined]);
    const { recovered } = await open(nodeJournalFiles);
    expect(recovered.damaged.size).toBe(0);
    expect([...recovered.image.tasks.keys()]).toEqual([RUN, runKey('next', 'x')]);
    expect(recovered.image.tasks.get(RUN)?.latest?.uuid).toBe('u1');
  });
});

test('a launch of which a part may be on the disk is not refused', async () => {
  const { broken, files } = breakable();
  const { journal } = await open(files);
  Object.assign(broken, { code: 'EIO', calls: new Set(['sync-log', 'truncate']) });

  const launch = journal.append([accepted('web')]);

  expect(await standing(launch)).toBe('waits');
  broken.calls.clear();
  await launch;
  expect(await lines()).toBe(1);
});

test('room for a line is not room: what is refused is so until more fits', async () => {
  const { broken, files } = breakable();
  const { journal, problems } = await open(files);
  broken.calls = new Set(['append', 'write']);
  await expect(journal.append([accepted('web')])).rejects.toThrow('ENOSPC');

  broken.calls = new Set(['write']);
  await standing(Promise.resolve());
  const between = [...problems];
  const launch = journal.append([accepted('next')]);
  expect(await standing(launch)).toBe('refused');
  broken.calls.clear();
  await journal.append([update('u1')]);
  await journal.append([accepted('next')]);

  expect(between).toEqual([expect.stringContaining('ENOSPC')]);
  expect(problems.at(-1)).toBeUndefined();
});

test.each<[string, Call]>([
  ['written', 'write'],
  ['renamed', 'rename'],
])('a log that cannot be compacted, as the new one cannot be %s, goes on', async (_, call) => {
  const { broken, files } = breakable();
  const { journal, problems } = await open(files, 300);
  await journal.append([accepted('web')]);
  broken.calls = new Set([call]);

  for (let count = 0; count < 20; count += 1) await journal.append([update(`u${count}`)]);

  expect(problems).toEqual([]);
  const { recovered } = await open(nodeJournalFiles);
  expect(recovered.image.tasks.get(RUN)?.latest?.uuid).toBe('u19');
});

test('an identity waits for the disk and is then whole', async () => {
  const { broken, files } = breakable();
  const { journal } = await open(files);
  await journal.saveIdentity({ agentId: 'a1', highestEpoch: 1, bootId: 'b' });
  broken.calls = new Set(['rename']);

  const saved = journal.saveIdentity({ agentId: 'a1', highestEpoch: 2, bootId: 'b' });
  expect(await standing(saved)).toBe('waits');
  expect((await open(nodeJournalFiles)).recovered.identity?.highestEpoch).toBe(1);
  broken.calls.clear();
  await saved;

  expect((await open(nodeJournalFiles)).recovered.identity?.highestEpoch).toBe(2);
});

test('a journal that is closed while the disk refuses gives up', async () => {
  const { broken, files } = breakable();
  const { journal } = await open(files);
  await journal.append([accepted('web')]);
  broken.calls = new Set(['append']);
  const waiting = journal.append([update('u1')]);
  expect(await standing(waiting)).toBe('waits');

  const refused = expect(waiting).rejects.toMatchObject({ code: 'JOURNAL' });
  await journal.close();

  await refused;
});
