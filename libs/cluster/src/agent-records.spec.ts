import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runKey } from '#core';
import type { FrameworkInfo, TaskInfo, TaskStatus } from '#mesos-v1';
import { applyRecord, emptyJournalImage, type JournalRecord } from './agent-records.js';
import {
  emptyUpdateStream,
  isClosed,
  MAX_PENDING_UPDATES,
  reduceUpdateStream,
  type UpdateStream,
} from './update-stream.js';

const RUN = runKey('web', '1');

const framework: FrameworkInfo = { user: 'root', name: 'f', id: { value: 'f1' } };
const task: TaskInfo = {
  name: 'web',
  task_id: { value: 'web' },
  agent_id: { value: 'a1' },
  resources: [],
};
const status = (id: number, state: string): TaskStatus => ({
  task_id: task.task_id,
  state,
  uuid: String(id),
});
const uuidsOf = (pending: readonly TaskStatus[]) => pending.map(({ uuid }) => uuid).join(' ');
const accepted: JournalRecord = { kind: 'accepted', run: RUN, framework, task };

/** Mostly more updates than acknowledgements, so that the bound is reached. */
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(fc.nat(500), fc.constant('TASK_RUNNING'))
      .map(([id, state]) => ({ id, state })),
  },
  { weight: 2, arbitrary: fc.constant('acknowledge-head' as const) },
);
const history = fc.array(step, { maxLength: 300, minLength: 150, size: 'max' });

describe('the updates in the journal', { timeout: 60_000 }, () => {
  test('are bounded and, after any history, those that the update stream holds', () => {
    fc.assert(
      fc.property(history, fc.boolean(), (steps, isEnded) => {
        const image = emptyJournalImage();
        let stream: UpdateStream = { ...emptyUpdateStream, connected: true };
        applyRecord(image, accepted);
        const update = (one: TaskStatus): void => {
          applyRecord(image, { kind: 'update', run: RUN, status: one });
          stream = reduceUpdateStream(stream, { kind: 'update', status: one }, 0).state;
        };
        for (const one of steps) {
          const head = stream.pending[0]?.uuid;
          if (one !== 'acknowledge-head') update(status(one.id, one.state));
          else if (head !== undefined) {
            applyRecord(image, { kind: 'acknowledged', run: RUN, uuid: head });
            stream = reduceUpdateStream(stream, { kind: 'acknowledged', uuid: head }, 0).state;
          }
          const pending = image.tasks.get(RUN)?.pending ?? [];
          expect(uuidsOf(pending)).toBe(uuidsOf(stream.pending));
          expect(pending.length).toBeLessThanOrEqual(MAX_PENDING_UPDATES);
        }
        if (isEnded) update(status(1000, 'TASK_FINISHED'));
        update(status(1001, 'TASK_RUNNING'));

        expect(isClosed(stream)).toBe(isEnded);
        expect(image.tasks.get(RUN)?.pending).toEqual(stream.pending);
        expect(image.tasks.get(RUN)?.latest).toEqual(stream.latest);
      }),
      // Long histories: a few reach the bound many times.
      { numRuns: 20 },
    );
  });

  test('that were written down without a bound are bounded when read, oldest and newest kept', () => {
    const image = emptyJournalImage();
    const pending = Array.from({ length: 1000 }, (_, id) => status(id, 'TASK_RUNNING'));

    applyRecord(image, {
      kind: 'snapshot',
      run: RUN,
      record: { framework, task, isLaunching: true, pending, latest: status(999, 'TASK_RUNNING') },
    });

    const kept = image.tasks.get(RUN)?.pending.map(({ uuid }) => uuid);
    expect(kept).toHaveLength(MAX_PENDING_UPDATES);
    expect(kept?.slice(0, 2)).toEqual(['0', '1']);
    expect(kept?.at(-1)).toBe('999');
  });
});
