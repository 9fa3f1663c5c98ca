import type { TaskInfo, TaskStatus, WireOffer, WireResource } from '#mesos-v1';

export interface FakeAgent {
  readonly id: string;
  readonly hostname: string;
  readonly cpus: number;
}

/** Of one scalar resource, of what is not reserved. */
const amountOf = (info: TaskInfo, name: string): number =>
  info.resources.find((entry) => entry.name === name && entry.reservation === undefined)?.scalar
    ?.value ?? 0;

export const cpusOf = (infos: readonly TaskInfo[]): number =>
  infos.reduce((sum, info) => sum + amountOf(info, 'cpus'), 0);

/** To a RECONCILE about a task, which may be unknown. */
export const answerOf = (
  id: string,
  task: { readonly state: string; readonly agentId: string } | undefined,
): TaskStatus => ({
  task_id: { value: id },
  state: task?.state ?? 'TASK_GONE',
  reason: 'REASON_RECONCILIATION',
  message: 'Reconciliation: latest task state',
  ...(task === undefined ? {} : { agent_id: { value: task.agentId } }),
});

export const portsOf = ({ resources }: TaskInfo): readonly number[] =>
  resources.flatMap(({ name, ranges }) =>
    name === 'ports' ? (ranges?.range ?? []).map(({ begin }) => begin) : [],
  );

/** States the fake cluster never leaves. */
export const isEnd = (state: string): boolean =>
  ['TASK_FAILED', 'TASK_KILLED', 'TASK_FINISHED', 'TASK_GONE', 'TASK_DROPPED'].includes(state);

/** KILL gets to it. */
export const isKillable = (state: string): boolean => !isEnd(state) && state !== 'TASK_UNREACHABLE';

/** Which offers our framework wants. Refusals are by `role agent`. */
export class FakeInterest {
  private readonly suppressed = new Set<string>();
  private readonly refused = new Map<string, number>();

  clear(): void {
    this.suppressed.clear();
    this.refused.clear();
  }

  revive(roles: readonly string[]): void {
    for (const role of roles) {
      this.suppressed.delete(role);
      for (const key of this.refused.keys()) {
        if (key.startsWith(`${role} `)) this.refused.delete(key);
      }
    }
  }

  suppress(roles: readonly string[]): void {
    for (const role of roles) this.suppressed.add(role);
  }

  refuse(role: string, agentId: string, untilMonoMs: number): void {
    this.refused.set(`${role} ${agentId}`, untilMonoMs);
  }

  /** An agent that has more than was refused of it is offered again at once. */
  offerMore(agentId: string): void {
    for (const key of this.refused.keys()) {
      if (key.endsWith(` ${agentId}`)) this.refused.delete(key);
    }
  }

  wants(role: string, agentId: string, monoMs: number): boolean {
    return !this.suppressed.has(role) && (this.refused.get(`${role} ${agentId}`) ?? 0) <= monoMs;
  }
}

/** Roles take turns: agents are shared out between those that want offers. */
export const inTurn = (roles: readonly string[], at: number): readonly string[] => [
  ...roles.slice(at % roles.length),
  ...roles.slice(0, at % roles.length),
];

/** What is free on an agent, for one role. */
export function toOffer(
  id: string,
  agent: FakeAgent,
  free: {
    readonly cpus: number;
    /** Those that are taken. */
    readonly ports: readonly number[];
    readonly role: string;
    readonly reserved: readonly WireResource[];
  },
): WireOffer {
  const { cpus, role } = free;
  const taken = [...free.ports].sort((left, right) => left - right);
  const range: { begin: number; end: number }[] = [];
  let begin = 31_000;
  for (const port of taken) {
    if (port > begin) range.push({ begin, end: port - 1 });
    begin = port + 1;
  }
  range.push({ begin, end: 32_000 });
  return {
    id: { value: id },
    framework_id: { value: 'framework-1' },
    agent_id: { value: agent.id },
    hostname: agent.hostname,
    resources: [
      { name: 'cpus', type: 'SCALAR', scalar: { value: cpus } },
      { name: 'mem', type: 'SCALAR', scalar: { value: 1_000_000 } },
      { name: 'disk', type: 'SCALAR', scalar: { value: 1_000_000 } },
      { name: 'ports', type: 'RANGES', ranges: { range } },
      ...free.reserved,
    ],
    attributes: [],
    allocation_info: { role },
  };
}
