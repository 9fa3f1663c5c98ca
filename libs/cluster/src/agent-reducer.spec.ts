import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isTerminalTaskState, type RunKey, readRunKey, type TaskState } from '#core';
import type { AgentMessageBody, FrameworkInfo, TaskInfo } from '#mesos-v1';
import { SEED } from './agent.test-support.js';
import { DEFAULT_LANE_LIMITS } from './agent-lanes.js';
import { applyRecord, emptyJournalImage } from './agent-records.js';
import { recoverAgent, toSubscribe } from './agent-recovery.js';
import { reduceAgent } from './agent-reducer.js';
import type { AgentEffect, AgentEvent, AgentOptions } from './agent-state.js';
import { DEFAULT_TASK_OPTIONS, toTaskRecord } from './agent-task.js';

const frameworkOf = (id: string): FrameworkInfo => ({ user: 'root', name: id, id: { value: id } });
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

const AGENT = { hostname: 'h', port: 1, resources: [], attributes: [] };

/** Both frameworks use all of the ids. */
const FRAMEWORKS = ['f1', 'f2'] as const;
const IDS = ['t0', 't1', 't2'] as const;
interface Name {
  readonly framework: string;
  readonly id: string;
}
const NAMES: readonly Name[] = FRAMEWORKS.flatMap((framework) =>
  IDS.map((id) => ({ framework, id })),
);
type Step =
  | { readonly do: 'launch'; readonly name: Name; readonly isNew: boolean }
  | { readonly do: 'message'; readonly body: AgentMessageBody }
  | { readonly do: 'lose-link' }
  /** Of the newest run of a task, or of the one before it. */
  | { readonly do: 'event'; readonly name: Name; readonly back: number; readonly event: TaskEvent }
  | { readonly do: 'exit'; readonly name: Name; readonly back: number }
  | { readonly do: 'acknowledge-head'; readonly name: Name };
type TaskEvent = Extract<AgentEvent, { kind: 'task' }>['event'];

const wire = ({ framework, id }: Name) => ({
  framework_id: { value: framework },
  task_id: { value: id },
});

const EVENTS: readonly TaskEvent[] = [
  { kind: 'fetched' },
  { kind: 'fetch-failed', message: 'no route' },
  { kind: 'launched', launched: { pid: 7 } },
  { kind: 'launched', launched: { pid: 7 } },
  { kind: 'launch-failed', message: 'no room' },
  { kind: 'launch-progress', message: 'pulling' },
  { kind: 'disk-exceeded', usedBytes: 1 },
  { kind: 'timer', timer: 'phase' },
  { kind: 'timer', timer: 'resend' },
  { kind: 'probed', subject: 'health', seen: { passed: false, detail: 'x' } },
];
const back = fc.constantFrom(0, 0, 0, 1);
const name = fc.constantFrom(...NAMES);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('launch' as const), name, isNew: fc.boolean() }),
  },
  {
    weight: 2,
    arbitrary: name.map(
      (one): Step => ({ do: 'message', body: { type: 'KILL', kill: wire(one) } }),
    ),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('acknowledge-head' as const), name }) },
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('event' as const),
      name,
      back,
      event: fc.constantFrom(...EVENTS),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('exit' as const), name, back }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom<Step>(
      { do: 'lose-link' },
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
    { bootId: 'b', seed: SEED, options, now: { epochMs: 0, monoMs: 0 } },
  );
  const turns: (readonly AgentEffect[])[] = [];
  /** What each turn was about, and runs by task, oldest first. */
  const causes: (Name | undefined)[] = [];
  const runs = new Map<string, RunKey[]>();
  const launches = new Map<string, number>();
  const stream = { connection: 0, sequence: 0 };
  let monoMs = 0;
  const feed = (event: AgentEvent, cause?: Name) => {
    monoMs += 20_000;
    const reduced = reduceAgent(state, event, { epochMs: monoMs, monoMs });
    state = reduced.state;
    turns.push(reduced.effects);
    causes.push(cause);
    for (const { framework, task, run: key } of acceptedIn(reduced.effects)) {
      const of = textOf({ framework: framework.id?.value ?? '', id: task.task_id.value });
      runs.set(of, [...(runs.get(of) ?? []), key]);
    }
  };
  const subscribe = () => {
    stream.connection += 1;
    stream.sequence = 1;
    const { connection, sequence } = stream;
    feed({ kind: 'link-opened', connection });
    const subscribed = { agent_id: { value: 'a1' }, master_id: 'm', ping_timeout_seconds: 75 };
    const position = { epoch: 1, stream_id: String(connection), sequence };
    const message = { type: 'SUBSCRIBED', subscribed, ...position } as const;
    feed({ kind: 'message', connection, message });
  };
  const send = (body: AgentMessageBody, cause?: Name) => {
    if (state.master.current === undefined) subscribe();
    stream.sequence += 1;
    const { connection, sequence } = stream;
    const message = { ...body, epoch: 1, stream_id: String(connection), sequence };
    feed({ kind: 'message', connection, message }, cause);
  };
  const runOf = (of: Name, at: number): RunKey =>
    runs.get(textOf(of))?.at(-1 - at) ?? readRunKey('none');
  for (const one of steps) {
    switch (one.do) {
      case 'launch': {
        const before = launches.get(textOf(one.name)) ?? 1;
        const number = one.isNew ? before + 1 : before;
        launches.set(textOf(one.name), number);
        const { framework, id } = one.name;
        const launch = { framework: frameworkOf(framework), task: definition(id) };
        const launch_id = { epoch: 1, number };
        send({ type: 'LAUNCH', launch: { ...launch, launch_id } }, one.name);
        break;
      }
      case 'message':
        send(one.body);
        break;
      case 'acknowledge-head': {
        const uuid = state.tasks.get(runOf(one.name, 0))?.stream.pending[0]?.uuid ?? 'none';
        send({ type: 'ACKNOWLEDGE', acknowledge: { ...wire(one.name), uuid } }, one.name);
        break;
      }
      case 'event':
        feed({ kind: 'task', run: runOf(one.name, one.back), event: one.event }, one.name);
        break;
      case 'exit': {
        const key = runOf(one.name, one.back);
        const exit = { run: key, status: { kind: 'exited', code: 0 }, oomKilled: false } as const;
        feed({ kind: 'task', run: key, event: { kind: 'exited', exit } }, one.name);
        break;
      }
      case 'lose-link':
        feed({ kind: 'link-closed', connection: stream.connection });
        break;
      default:
        one satisfies never;
    }
  }
  return { state, turns, causes, effects: turns.flat() };
}

const textOf = ({ framework, id }: Name): string => `${framework}/${id}`;

const acceptedIn = (effects: readonly AgentEffect[]) =>
  effects
    .flatMap((effect) => (effect.kind === 'journal' ? effect.records : []))
    .flatMap((record) => (record.kind === 'accepted' ? [record] : []));

describe('whatever happens', { timeout: 60_000 }, () => {
  test('a run is launched at most once, and only after that was written down', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { turns } = run(steps);

        const launched = new Set<string>();
        for (const effects of turns) {
          effects.forEach((effect, index) => {
            if (effect.kind !== 'launch') return;
            expect(launched.has(effect.run)).toBe(false);
            launched.add(effect.run);
            const isWritten = effects
              .slice(0, index)
              .some(
                (before) =>
                  before.kind === 'journal' &&
                  before.records.some(
                    ({ kind, run: key }) => kind === 'launching' && key === effect.run,
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
            expect(ended.has(record.run)).toBe(false);
            if (isTerminalTaskState(record.status.state as TaskState)) ended.add(record.run);
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

  test('a launch makes one run, however often it comes and whatever became of that', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const accepted = acceptedIn(run(steps).effects);

        const launches = accepted.map(({ framework, task, launchId }) =>
          JSON.stringify([framework.id, task.task_id, launchId]),
        );
        expect(new Set(launches).size).toBe(launches.length);
        expect(new Set(accepted.map(({ run: key }) => key)).size).toBe(accepted.length);
      }),
      { numRuns: 300 },
    );
  });

  test('what is said of one task ends and tells nothing of another, though it has the same id', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { turns, causes, effects } = run(steps);

        const owners = new Map(
          acceptedIn(effects).map(({ run: key, framework, task }) => [
            key,
            textOf({ framework: framework.id?.value ?? '', id: task.task_id.value }),
          ]),
        );
        turns.forEach((turn, index) => {
          const cause = causes[index];
          if (cause === undefined) return;
          for (const effect of turn) {
            if (effect.kind !== 'kill' && effect.kind !== 'send-update') continue;
            // What was never accepted is nobody's.
            expect(owners.get(effect.run) ?? textOf(cause)).toBe(textOf(cause));
          }
        });
      }),
      { numRuns: 300 },
    );
  });

  test('a master is told of one run of each task at most, the one that was launched last', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { state, effects } = run(steps);
        const newest = new Map(
          acceptedIn(effects).map(({ framework, task, launchId }) => [
            textOf({ framework: framework.id?.value ?? '', id: task.task_id.value }),
            launchId,
          ]),
        );

        const { tasks } = toSubscribe(state, AGENT, '1').subscribe;

        const told = tasks.map(({ framework_id, task }) =>
          textOf({ framework: framework_id.value, id: task.task_id.value }),
        );
        expect(new Set(told).size).toBe(told.length);
        expect(tasks.map(({ launch_id }) => launch_id)).toEqual(told.map((one) => newest.get(one)));
      }),
      { numRuns: 300 },
    );
  });

  test('in the end every run is ended, acknowledged and forgotten', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const launched: TaskEvent = { kind: 'launched', launched: { pid: 7 } };
        const exit = (one: Name): Step[] => [
          { do: 'message', body: { type: 'KILL', kill: wire(one) } },
          // However many runs of it were superseded.
          ...Array.from({ length: 40 }, (_, at): Step[] => [
            { do: 'event', name: one, back: at, event: launched },
            { do: 'exit', name: one, back: at },
          ]).flat(),
        ];
        const ends = [...NAMES, ...NAMES].flatMap(exit);
        const acknowledgements = NAMES.flatMap((one) =>
          Array.from({ length: 70 }, (): Step => ({ do: 'acknowledge-head', name: one })),
        );

        const { state } = run([...steps, ...ends, ...acknowledgements]);

        expect([...state.tasks.keys()]).toEqual([]);
        expect([...state.current.keys()]).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });
});
