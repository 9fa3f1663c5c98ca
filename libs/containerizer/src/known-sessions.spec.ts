import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readRunKey } from '#core';
import { KnownSessions } from './known-sessions.js';
import { createProcessScanner, markOf, type ProcessStat, readStat } from './process-table.js';

const MARKS = { run: 'PACER_SPEC_RUN', earlierRun: 'PACER_SPEC_RUN', scope: 'PACER_SPEC_SCOPE' };
const RUN = readRunKey('web.1');
const SCOPE = `known-${process.pid}`;

let leader: ChildProcess;
let stat: ProcessStat;
beforeEach(async () => {
  leader = spawn('/bin/sh', ['-c', 'echo up; read -r _'], {
    detached: true,
    env: { PACER_SPEC_RUN: RUN, PACER_SPEC_SCOPE: SCOPE },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  await once(leader.stdout as NonNullable<typeof leader.stdout>, 'data');
  stat = readStat(leader.pid ?? 0) as ProcessStat;
});
afterEach(async () => {
  const ended = once(leader, 'exit');
  leader.kill('SIGKILL');
  await ended;
});

describe('a scan of the host', () => {
  const found = async (known: KnownSessions) =>
    (await createProcessScanner(MARKS, known)()).byMark.get(markOf(RUN, SCOPE)) ?? [];

  it('leaves the environments of known sessions unread, and only theirs', async () => {
    const known = new KnownSessions();
    expect(await found(known)).toMatchObject([{ pid: leader.pid, run: RUN }]);

    known.add(stat);
    expect(await found(known)).toEqual([]);

    known.remove({ ...stat, startTicks: stat.startTicks + 1 });
    expect(await found(known)).toEqual([]);

    known.remove(stat);
    expect(await found(known)).toHaveLength(1);
  });

  it('takes no other leader of the same number for the known one', async () => {
    const known = new KnownSessions();
    known.add({ ...stat, startTicks: stat.startTicks - 1 });

    expect(await found(known)).toHaveLength(1);
  });
});
