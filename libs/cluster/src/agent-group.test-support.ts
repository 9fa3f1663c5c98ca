import type { RunKey } from '#core';
import type { AgentMessageBody, ExecutorInfo, FrameworkInfo, TaskInfo } from '#mesos-v1';
import { DEFAULT_LANE_LIMITS } from './agent-lanes.js';
import {
  applyRecord,
  emptyJournalImage,
  type JournalImage,
  type JournalRecord,
} from './agent-records.js';
import { recoverAgent, toSubscribe } from './agent-recovery.js';
import { reduceAgent } from './agent-reducer.js';
import type { AgentEffect, AgentEvent, AgentOptions, AgentState } from './agent-state.js';
import { type AgentTask, type AgentTaskEvent, DEFAULT_TASK_OPTIONS } from './agent-task.js';

const NOW = { epochMs: 0, monoMs: 0 };

export const framework: FrameworkInfo = {
  user: 'root',
  name: 'f',
  id: { value: 'F' },
  capabilities: [{ type: 'PARTITION_AWARE' }],
};

export const executor: ExecutorInfo = {
  executor_id: { value: 'pod' },
  type: 'DEFAULT',
  resources: [{ name: 'cpus', type: 'SCALAR', scalar: { value: 0.1 } }],
};

export const member = (id: string, more: Partial<TaskInfo> = {}): TaskInfo => ({
  name: id,
  task_id: { value: id },
  agent_id: { value: 'a1' },
  resources: [],
  command: { value: 'sleep 100' },
  ...more,
});

let seeds = 0;
/** Each life of an agent has another one. */
const nextSeed = (): number => {
  seeds = (seeds + 1) % 256;
  return seeds;
};

/** An agent that a master has admitted, with its journal, by the effects it asked for. */
export class GroupAgent {
  state: AgentState;
  readonly records: JournalRecord[] = [];
  private sequence = 0;
  private launches = 0;

  constructor(
    before: JournalImage = emptyJournalImage(),
    options: Partial<AgentOptions['launchers']> = {},
  ) {
    const recovered = recoverAgent(
      {
        image: before,
        damaged: new Map(),
        identity: { highestEpoch: 1, bootId: 'b', agentId: 'a1' },
      },
      {
        bootId: 'b',
        seed: Array(10).fill(nextSeed()),
        options: {
          ...DEFAULT_TASK_OPTIONS,
          lanes: DEFAULT_LANE_LIMITS,
          hostAddress: '127.0.0.1',
          launchers: { process: { available: true }, docker: { available: true }, ...options },
        },
        now: NOW,
      },
    );
    this.state = recovered.state;
    this.recovered = recovered.effects;
    this.note(recovered.effects);
    this.feed({ kind: 'started' });
    this.feed({ kind: 'link-opened', connection: 1 });
    const subscribed = { agent_id: { value: 'a1' }, master_id: 'm', ping_timeout_seconds: 75 };
    this.send({ type: 'SUBSCRIBED', subscribed });
  }

  readonly recovered: readonly AgentEffect[];

  send(body: AgentMessageBody): readonly AgentEffect[] {
    this.sequence += 1;
    const position = { epoch: 1, stream_id: 's', sequence: this.sequence };
    return this.feed({ kind: 'message', connection: 1, message: { ...body, ...position } });
  }

  /** LAUNCH_GROUP; with `number` as the launch it is, else as a new one. */
  launch(
    tasks: readonly TaskInfo[],
    {
      info = executor,
      number = 0,
    }: { readonly info?: ExecutorInfo; readonly number?: number } = {},
  ): readonly AgentEffect[] {
    this.launches += 1;
    const launch_id = { epoch: 1, number: number || 100 + this.launches };
    return this.send({
      type: 'LAUNCH_GROUP',
      launch_group: { framework, executor: info, tasks, launch_id },
    });
  }

  kill(id: string): readonly AgentEffect[] {
    const kill = { framework_id: { value: 'F' }, task_id: { value: id } };
    return this.send({ type: 'KILL', kill });
  }

  /** Acknowledges all that a task has to say. */
  acknowledge(id: string): void {
    for (;;) {
      const uuid = this.find(id)?.stream.pending[0]?.uuid;
      if (uuid === undefined) return;
      const acknowledge = { framework_id: { value: 'F' }, task_id: { value: id }, uuid };
      this.send({ type: 'ACKNOWLEDGE', acknowledge });
    }
  }

  run(...ids: readonly string[]): void {
    for (const id of ids) this.task(id, { kind: 'launched', launched: { pid: 7 } });
  }

  exit(id: string, code = 0): readonly AgentEffect[] {
    const run = this.get(id).run;
    const exit = { run, status: { kind: 'exited', code }, oomKilled: false } as const;
    return this.task(id, { kind: 'exited', exit });
  }

  task(id: string, event: AgentTaskEvent): readonly AgentEffect[] {
    return this.feed({ kind: 'task', run: this.get(id).run, event });
  }

  feed(event: AgentEvent): readonly AgentEffect[] {
    const reduced = reduceAgent(this.state, event, NOW);
    this.state = reduced.state;
    this.note(reduced.effects);
    return reduced.effects;
  }

  find(id: string): AgentTask | undefined {
    const run = this.state.current.get('F')?.get(id);
    return run === undefined ? undefined : this.state.tasks.get(run);
  }

  get(id: string): AgentTask {
    const task = this.find(id);
    if (task === undefined) throw new Error(`no task ${id}`);
    return task;
  }

  /** Phase, or the state it ended in, of each task with a record. */
  phases(): Readonly<Record<string, string>> {
    const entries = [...this.state.tasks.values()].map(({ id, phase, stream }) => [
      id,
      phase.kind === 'ended' ? stream.latest?.state : phase.kind,
    ]);
    return Object.fromEntries(entries);
  }

  /** What was written down, read back; with the last `lost` records not on the disk. */
  image(lost = 0): JournalImage {
    const image = emptyJournalImage();
    for (const record of this.records.slice(0, this.records.length - lost)) {
      applyRecord(image, record);
    }
    return image;
  }

  told() {
    const agent = { hostname: 'h', port: 1, resources: [], attributes: [] };
    return toSubscribe(this.state, agent, '1').subscribe;
  }

  private note(effects: readonly AgentEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'journal' || effect.kind === 'accept-group') {
        this.records.push(...effect.records);
      }
    }
  }
}

export const runsOf = (effects: readonly AgentEffect[], kind: AgentEffect['kind']): RunKey[] =>
  effects.flatMap((effect) => (effect.kind === kind && 'run' in effect ? [effect.run] : []));
