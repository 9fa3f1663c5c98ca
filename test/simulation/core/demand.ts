import { type Resources, resources } from '#core';
import { type ExecutorInfo, encodeResources, type FrameworkInfo } from '#mesos-v1';
import type { SeededRandom } from '../../support/seeded-random.js';
import { EXECUTOR_COMMAND } from '../simulated-host.js';

/** So many tasks of one size in one role. A batch task is done after a while; a service runs until it is not wanted. */
export interface Demand {
  readonly id: string;
  readonly role: string;
  readonly kind: 'batch' | 'service';
  readonly size: Resources;
  /** How long a batch task takes. */
  readonly durationMs: number;
  /** The custom executor its tasks run in; they may share it with others of the role. */
  readonly executor?: string;
  /** Launched as groups. */
  readonly isGrouped?: boolean;
  /** Batch: tasks to finish. Service: tasks to have running. */
  count: number;
}

/** How a framework goes about it. Drawn once; the same in all its lives. */
export interface FrameworkHabits {
  readonly name: string;
  readonly roles: readonly string[];
  readonly isMultiRole: boolean;
  readonly isPartitionAware: boolean;
  /** Seconds; 0: a broken stream is the end. */
  readonly failoverTimeout: number;
  /** Says when it wants nothing. Others refuse what they are offered. */
  readonly suppresses: boolean;
  /** Forgets refusals when it wants more. Others wait until they run out. */
  readonly revives: boolean;
  readonly maxRefuseSeconds: number;
  readonly tasksPerOffer: number;
  /** Part of the offers it neither takes nor refuses. */
  readonly hoards: number;
  /** Part of the offers it makes mistakes with. */
  readonly errs: number;
  /** Reserves what its services run on, and gives back what it does not need any more. */
  readonly reserves: boolean;
  /** Replaces a task it cannot see; others wait for it. */
  readonly replacesUnreachable: boolean;
  /** Runs some of its tasks in custom executors. */
  readonly hasExecutors?: boolean;
}

export const ROLES = ['*', 'web', 'web/shop', 'batch', 'batch/night', 'ads'] as const;
const ALL_ROLES: readonly string[] = ROLES;
/** Only top-level roles may have a quota. */
export const QUOTA_ROLES = ['web', 'batch', 'ads'] as const;
const DAY_S = 86_400;

export function drawHabits(name: string, random: SeededRandom): FrameworkHabits {
  const isMultiRole = random.chance(0.6);
  const first = random.pick(ROLES);
  const others = ROLES.filter((role) => role !== first && random.chance(0.25));
  return {
    name,
    roles: isMultiRole ? [first, ...others] : [first],
    isMultiRole,
    isPartitionAware: random.chance(0.7),
    failoverTimeout: random.chance(0.75) ? DAY_S : random.pick([0, 5, 20]),
    suppresses: random.chance(0.7),
    revives: random.chance(0.6),
    maxRefuseSeconds: random.pick([4, 10, 25]),
    tasksPerOffer: random.pick([1, 3, 100]),
    hoards: random.chance(0.3) ? 0.05 : 0,
    errs: random.chance(0.3) ? 0.1 : 0,
    reserves: random.chance(0.3),
    replacesUnreachable: random.chance(0.5),
    hasExecutors: random.chance(0.35),
  };
}

/** One thing a framework of these habits wants, small enough to fit beside the others' services. */
export function drawDemand(id: string, habits: FrameworkHabits, random: SeededRandom): Demand {
  const kind = random.chance(0.55) ? 'batch' : 'service';
  const cpus = random.pick([0.1, 0.25, 0.5, 1]);
  const mem = random.pick([32, 128, 512]);
  const role = random.pick(habits.roles);
  const isInside = habits.hasExecutors === true && random.chance(0.7);
  return {
    id,
    role,
    ...(isInside ? { executor: `x-${ALL_ROLES.indexOf(role)}` } : {}),
    isGrouped: isInside && random.chance(0.4),
    kind,
    size: resources({ cpus, mem, disk: random.chance(0.2) ? 100 : 0 }),
    durationMs: random.between(200, 6_000),
    count: kind === 'batch' ? random.integer(1, 8) : random.integer(1, 2),
  };
}

/** How many virtual milliseconds a task of this command takes; undefined: it runs until it is ended. */
export function durationOf(command: string | undefined): number | undefined {
  const match = /^work ([\d.]+)$/.exec(command ?? '');
  return match === null ? undefined : Number(match[1]);
}

export const commandOf = ({ kind, durationMs }: Demand): string =>
  kind === 'batch' ? `work ${durationMs}` : 'serve';

/** What its tasks of a custom executor say instead of a command. */
export const dataOf = (demand: Demand): string => btoa(commandOf(demand));

export const EXECUTOR_SIZE = resources({ cpus: 0.01, mem: 32 });

/** The same each time, as has to be. */
export const toExecutor = (id: string): ExecutorInfo => ({
  executor_id: { value: id },
  type: 'CUSTOM',
  command: { value: EXECUTOR_COMMAND },
  resources: encodeResources(EXECUTOR_SIZE, { isRefined: true }),
});

/** What a framework of these habits subscribes with. */
export function toInfo(habits: FrameworkHabits): FrameworkInfo {
  const { name, roles, isMultiRole, isPartitionAware, failoverTimeout } = habits;
  const [role = '*'] = roles;
  return {
    user: 'root',
    name,
    failover_timeout: failoverTimeout,
    checkpoint: true,
    ...(isMultiRole ? { roles } : { role }),
    capabilities: [
      ...(isMultiRole ? [{ type: 'MULTI_ROLE' }] : []),
      ...(isPartitionAware ? [{ type: 'PARTITION_AWARE' }] : []),
    ],
  };
}

/** How long it refuses what it does not use. */
export function toRefuseSeconds(habits: FrameworkHabits, random: SeededRandom): number {
  if (random.chance(0.02)) return 0;
  return random.between(0.3, 1) * habits.maxRefuseSeconds;
}
