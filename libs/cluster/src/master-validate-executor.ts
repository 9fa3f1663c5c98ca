import { type Resources, scalarMilli } from '#core';
import { decodeResources, type ExecutorInfo, MAX_GRACE_NANOSECONDS } from '#mesos-v1';
import { executorKey } from './master-executors.js';
import type { Agent, Executor, Framework } from './master-state.js';
import { findAmountDefect, findDurationDefect, findIdDefect } from './master-validate-resources.js';

/** An executor that may run, with what its launch takes: nothing when it runs already. */
export type ExecutorVerdict =
  | {
      readonly kind: 'valid';
      readonly resources: Resources;
      readonly running?: Executor;
      /** Not refused, but worth a line in the log. */
      readonly warning?: string;
    }
  | { readonly kind: 'invalid'; readonly message: string };

/** Least an executor of a group has; one of a LAUNCH is warned of below it. */
const MIN_CPU_MILLI = 10;
const MIN_MEM_MILLI = 32_000;

/** The rules of an ExecutorInfo, for a single task or a group (Mesos' master/validation). */
export function validateExecutor(
  info: ExecutorInfo,
  context: {
    readonly framework: Framework;
    readonly agent: Agent;
    readonly launches: 'task' | 'group';
  },
): ExecutorVerdict {
  const { framework, agent, launches } = context;
  const id = info.executor_id.value;
  const idDefect = findIdDefect(id);
  if (idDefect !== undefined) return invalid(`executor id ${JSON.stringify(id)} ${idDefect}`);
  const problem =
    findCapabilityDefect(agent, info, launches) ??
    findFrameworkDefect(info, framework) ??
    (launches === 'task' ? findTaskExecutorDefect(info) : findGroupExecutorDefect(info)) ??
    findGraceDefect(info) ??
    findAmountDefect(info.resources);
  if (problem !== undefined) return invalid(`executor ${id}: ${problem}`);
  const resources = decodeResources(info.resources);
  const small = findSmallness(resources);
  if (launches === 'group' && small !== undefined) return invalid(`executor ${id}: ${small}`);
  const known = agent.executors.get(executorKey(framework.id, id));
  const running = known?.isExited === true ? undefined : known;
  if (running !== undefined && !isSameExecutor(running.info, info)) {
    return invalid(
      `executor ${id} runs on agent ${agent.id} already with another ExecutorInfo; it has to be identical`,
    );
  }
  return {
    kind: 'valid',
    resources: running === undefined ? resources : { scalars: {}, ranges: {} },
    ...(running === undefined ? {} : { running }),
    ...(small === undefined ? {} : { warning: `executor ${id}: ${small}` }),
  };
}

/** Field by field, in whatever order; resources by what they amount to. What the master adds does not count. */
export const isSameExecutor = (left: ExecutorInfo, right: ExecutorInfo): boolean =>
  fingerprint(left) === fingerprint(right);

function fingerprint({ resources, framework_id: _, ...rest }: ExecutorInfo): string {
  return canonical({ ...rest, resources: decodeResources(resources) });
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? '';
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`);
  return `{${fields.join(',')}}`;
}

/** A group of an executor of the framework's own is that executor's affair. */
function findCapabilityDefect(
  agent: Agent,
  { type }: ExecutorInfo,
  launches: 'task' | 'group',
): string | undefined {
  const needed = launches === 'group' && type !== 'CUSTOM' ? 'TASK_GROUPS' : 'EXECUTORS';
  const has = agent.info.capabilities?.some(({ type }) => type === needed) === true;
  return has ? undefined : `agent ${agent.id} does not have the capability ${needed}`;
}

function findFrameworkDefect(info: ExecutorInfo, framework: Framework): string | undefined {
  const given = info.framework_id?.value;
  return given === undefined || given === framework.id
    ? undefined
    : `framework_id is ${given}, not ${framework.id}`;
}

function findTaskExecutorDefect({ type, command }: ExecutorInfo): string | undefined {
  if (type === 'DEFAULT') return 'the type DEFAULT is for LAUNCH_GROUP';
  return command === undefined ? 'command is required' : undefined;
}

function findGroupExecutorDefect({ type, command, container }: ExecutorInfo): string | undefined {
  if (type === undefined) return 'type has to be DEFAULT or CUSTOM';
  if (type === 'CUSTOM') return command === undefined ? 'command is required' : undefined;
  if (command !== undefined) return 'an executor of type DEFAULT has no command';
  if (container === undefined) return undefined;
  if (container.type !== 'MESOS')
    return 'an executor of type DEFAULT has a container of type MESOS';
  return container.mesos?.image === undefined
    ? undefined
    : 'an executor of type DEFAULT has no image';
}

function findGraceDefect({ shutdown_grace_period }: ExecutorInfo): string | undefined {
  return findDurationDefect(
    'shutdown_grace_period',
    shutdown_grace_period?.nanoseconds,
    MAX_GRACE_NANOSECONDS,
  );
}

function findSmallness(resources: Resources): string | undefined {
  const isSmall =
    scalarMilli(resources, 'cpus') < MIN_CPU_MILLI || scalarMilli(resources, 'mem') < MIN_MEM_MILLI;
  return isSmall ? 'has less than 0.01 cpus or 32 MB of memory' : undefined;
}

const invalid = (message: string): ExecutorVerdict => ({ kind: 'invalid', message });
