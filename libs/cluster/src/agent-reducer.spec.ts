import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isTerminalTaskState, type TaskState } from '#core';
import type { AgentMessageBody, FrameworkInfo, TaskInfo } from '#mesos-v1';
import { DEFAULT_LANE_LIMITS } from './agent-lanes.js';
import { applyRecord, emptyJournalImage } from './agent-records.js';
import { recoverAgent } from './agent-recovery.js';
import { reduceAgent } from './agent-reducer.js';
import type { AgentEffect, AgentEvent, AgentOptions } from './agent-state.js';
import { DEFAULT_TASK_OPTIONS, toTaskRecord } from './agent-task.js';

const framework: FrameworkInfo = { user: 'root', name: 'f', id: { value: 'f1' } };
const options: AgentOptions = {
  ...DEFAULT_TASK_OPTIONS,
  lanes: { ...DEFAULT_LANE_LIMITS, process: 2 },
  hostAddress: '127.0.0.1',
  launchers: { process: { available: true }, docker: { available: false, reason: 'none' } },
};
const definition = (id: string): TaskInfo => ({
  name: id,
  task_id: { value: id },
  agent_id: { value: 'a1' },
  resources: [],
  command: { value: 'sleep 1', uris: id === 't2' ? [{ value: 'http://h/x' }] : [] },
});

const IDS = ['t0', 't1', 't2', 't3'] as const;
type Step =
  | { readonly do: 'message'; readonly body: AgentMessageBody }
  | { readonly do: 'event'; readonly event: AgentEvent }
  | { readonly do: 'acknowledge-head'; readonly id: string };

const task = (taskId: string, event: Extract<AgentEvent, { kind: 'task' }>['event']): Step => ({
  do: 'event',
  event: { kind: 'task', taskId, event },
});
const wire = (id: string) => ({ framework_id: { value: 'f1' }, task_id: { value: id } });

const stepOf = (id: string): fc.Arbitrary<Step> =>
  fc.constantFrom<Step>(
    { do: 'message', body: { type: 'LAUNCH', launch: { framework, task: definition(id) } } },
    { do: 'message', body: { type: 'KILL', kill: wire(id) } },
    { do: 'acknowledge-head', id },
    { do: 'acknowledge-head', id },
    task(id, { kind: 'fetched' }),
    task(id, { kind: 'fetch-failed', message: 'no route' }),
    task(id, { kind: 'launched', launched: { pid: 7 } }),
    task(id, { kind: 'launched', launched: { pid: 7 } }),
    task(id, { kind: 'launch-failed', message: 'no room' }),
    task(id, {
      kind: 'exited',
      exit: { taskId: id as never, status: { kind: 'exited', code: 0 }, oomKilled: false },
    }),
    task(id, { kind: 'timer', timer: 'phase' }),
    task(id, { kind: 'timer', timer: 'resend' }),
    task(id, { kind: 'probed', result: { passed: false, detail: 'x' } }),
  );
const step = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...IDS).chain(stepOf) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Step>(
      { do: 'event', event: { kind: 'link-closed', connection: 1 } },
      {
        do: 'message',
        body: { type: 'SHUTDOWN_FRAMEWORK', shutdown_framework: { framework_id: { value: 'f1' } } },
      },
    ),
  },
);

/** Runs steps on an agent and gives every effect, with the events that the link would add. */
function run(steps: readonly Step[]) {
  let { state } = recoverAgent(
    { image: emptyJournalImage(), damaged: new Map() },
    { bootId: 'b', seed: Array(10).fill(1), options, now: { epochMs: 0, monoMs: 0 } },
  );
  const turns: (readonly AgentEffect[])[] = [];
  let connection = 0;
  let sequence = 0;
  let monoMs = 0;
  const feed = (event: AgentEvent) => {
    monoMs += 20_000;
    const reduced = reduceAgent(state, event, { epochMs: monoMs, monoMs });
    state = reduced.state;
    turns.push(reduced.effects);
  };
  const send = (body: AgentMessageBody) => {
    if (state.master.current === undefined) {
      connection += 1;
      sequence = 1;
      feed({ kind: 'link-opened', connection });
      feed({
        kind: 'message',
        connection,
        message: {
          type: 'SUBSCRIBED',
          subscribed: { agent_id: { value: 'a1' }, master_id: 'm', ping_timeout_seconds: 75 },
          epoch: 1,
          stream_id: String(connection),
          sequence,
        },
      });
    }
    sequence += 1;
    const message = { ...body, epoch: 1, stream_id: String(connection), sequence };
    feed({ kind: 'message', connection, message });
  };
  for (const one of steps) {
    if (one.do === 'message') send(one.body);
    else if (one.do === 'acknowledge-head') {
      const uuid = state.tasks.get(one.id)?.stream.pending[0]?.uuid ?? 'none';
      send({ type: 'ACKNOWLEDGE', acknowledge: { ...wire(one.id), uuid } });
    } else if (one.event.kind === 'link-closed') feed({ kind: 'link-closed', connection });
    else feed(one.event);
  }
  return { state, turns, effects: turns.flat() };
}

describe('whatever happens', () => {
  test('a task is launched at most once, and only after that was written down', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { turns } = run(steps);

        const launched = new Set<string>();
        for (const effects of turns) {
          effects.forEach((effect, index) => {
            if (effect.kind !== 'launch') return;
            expect(launched.has(effect.taskId)).toBe(false);
            launched.add(effect.taskId);
            const isWritten = effects
              .slice(0, index)
              .some(
                (before) =>
                  before.kind === 'journal' &&
                  before.records.some(
                    ({ kind, taskId }) => kind === 'launching' && taskId === effect.taskId,
                  ),
              );
            expect(isWritten).toBe(true);
          });
        }
      }),
      { numRuns: 300 },
    );
  });

  test('every update is written down before it is sent, and a terminal one is the last', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const written = new Set<string>();
        const ended = new Set<string>();
        for (const effect of run(steps).effects) {
          if (effect.kind === 'send-update' && effect.status.uuid !== undefined) {
            expect(written.has(effect.status.uuid)).toBe(true);
          }
          if (effect.kind !== 'journal') continue;
          for (const record of effect.records) {
            if (record.kind !== 'update') continue;
            expect(ended.has(record.taskId)).toBe(false);
            if (isTerminalTaskState(record.status.state as TaskState)) ended.add(record.taskId);
            written.add(record.status.uuid ?? '');
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  test('what is written down is what is known', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { state, effects } = run(steps);

        const image = emptyJournalImage();
        for (const effect of effects) {
          if (effect.kind === 'journal') for (const one of effect.records) applyRecord(image, one);
        }

        expect([...image.tasks.keys()]).toEqual([...state.tasks.keys()]);
        for (const [id, one] of state.tasks) {
          const { isLaunching, ...known } = toTaskRecord(one);
          const { isLaunching: isWritten, ...written } = image.tasks.get(id) ?? { isLaunching };
          expect(written).toEqual(known);
          if (one.phase.kind !== 'ended') expect(isWritten).toBe(isLaunching);
        }
        expect([...image.completed.keys()]).toEqual([...state.completed.keys()]);
      }),
      { numRuns: 300 },
    );
  });

  test('never more launches at once than the lane allows, and a free slot is used', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { state } = run(steps);

        const phases = [...state.tasks.values()].map(({ phase }) => phase);
        const launching = phases.filter(({ kind }) => kind === 'launching').length;
        const waiting = phases.filter(
          (phase) => phase.kind === 'received' && phase.waitsFor === 'launch',
        ).length;
        expect(launching).toBeLessThanOrEqual(2);
        if (waiting > 0) expect(launching).toBe(2);
      }),
    );
  });

  test('in the end every task is ended, acknowledged and forgotten', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const exit = (id: string): Step[] => [
          { do: 'message', body: { type: 'KILL', kill: wire(id) } },
          task(id, { kind: 'launched', launched: { pid: 7 } }),
          task(id, {
            kind: 'exited',
            exit: {
              taskId: id as never,
              status: { kind: 'signalled', signal: 15 },
              oomKilled: false,
            },
          }),
        ];
        const ends = [...IDS, ...IDS].flatMap(exit);
        const acknowledgements = IDS.flatMap((id) =>
          Array.from({ length: 70 }, (): Step => ({ do: 'acknowledge-head', id })),
        );

        const { state } = run([...steps, ...ends, ...acknowledgements]);

        expect([...state.tasks.keys()]).toEqual([]);
      }),
    );
  });
});
