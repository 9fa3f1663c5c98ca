import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BusySince, judgeWorkers, type OldWorkerSight } from './judge-workers.js';

const worker = (pid: number, extra: Partial<OldWorkerSight> = {}): OldWorkerSight => ({
  pid,
  uptimeSeconds: 100,
  cpuMs: 0,
  connections: 1,
  ...extra,
});
const context = { hardStopSeconds: 60, nowMs: 0, lastLookMs: undefined };
const NONE: BusySince = new Map();

describe('judgeWorkers', () => {
  it('ends an old worker HAProxy has not ended itself, by the age of its successor', () => {
    const sight = {
      old: [worker(1, { uptimeSeconds: 5_000 }), worker(2, { uptimeSeconds: 71 })],
      currentUptimes: [70],
    };

    expect(judgeWorkers(sight, NONE, context).ends).toMatchObject([{ pid: 1, reason: 'overdue' }]);
  });

  it('leaves a long-lived worker that has only just become old', () => {
    const sight = { old: [worker(1, { uptimeSeconds: 500_000 })], currentUptimes: [3] };

    expect(judgeWorkers(sight, NONE, context).ends).toEqual([]);
  });

  it('ends a worker that burns a processor for 30 s without a connection', () => {
    let busy = NONE;
    const ends: number[] = [];
    for (let look = 0; look <= 5; look += 1) {
      const nowMs = look * 10_000;
      const verdict = judgeWorkers(
        { old: [worker(1, { cpuMs: nowMs * 0.95, connections: 0 })], currentUptimes: [0] },
        busy,
        { hardStopSeconds: 60, nowMs, lastLookMs: look === 0 ? undefined : nowMs - 10_000 },
      );
      busy = verdict.busy;
      if (verdict.ends.length > 0) ends.push(look);
    }

    expect(ends[0]).toBe(3);
  });

  it.each([
    ['has a connection', { cpuMs: 10_000, connections: 1 }],
    ['does not tell its connections', { cpuMs: 10_000, connections: undefined }],
    ['rests', { cpuMs: 2_000, connections: 0 }],
  ])('begins to count anew when the worker %s', (_, extra) => {
    const before = new Map([[1, { sinceMs: -60_000, cpuMs: 0 }]]);

    const verdict = judgeWorkers({ old: [worker(1, extra)], currentUptimes: [0] }, before, {
      hardStopSeconds: 60,
      nowMs: 10_000,
      lastLookMs: 0,
    });

    expect(verdict.ends).toEqual([]);
    expect(verdict.busy.get(1)?.sinceMs).toBe(10_000);
  });

  it('ends the oldest idle ones of more than five', () => {
    const old = [1, 2, 3, 4, 5, 6, 7].map((pid) =>
      worker(pid, { uptimeSeconds: 60 - pid, connections: pid === 1 ? 1 : 0 }),
    );

    const { ends } = judgeWorkers({ old, currentUptimes: [1] }, NONE, context);

    expect(ends).toMatchObject([
      { pid: 2, reason: 'excess' },
      { pid: 3, reason: 'excess' },
    ]);
  });

  it('never ends a worker with connections before its time', () => {
    const sight = fc.array(
      fc.record({
        pid: fc.integer({ min: 1, max: 99 }),
        uptimeSeconds: fc.integer({ min: 0, max: 70 }),
        cpuMs: fc.nat(),
        connections: fc.constantFrom(1, 5, undefined),
      }),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(sight, fc.integer({ min: 0, max: 70 }), (old, uptime) => {
        const verdict = judgeWorkers(
          { old, currentUptimes: [uptime] },
          new Map(old.map(({ pid }) => [pid, { sinceMs: -1e9, cpuMs: 0 }])),
          { hardStopSeconds: 60, nowMs: 10, lastLookMs: 0 },
        );

        expect(verdict.ends).toEqual([]);
      }),
    );
  });
});
