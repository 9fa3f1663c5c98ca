import { containsResources, formatResources, isEmptyResources, type Resources } from '#core';
import { fromWireResources, type TaskInfo } from '#mesos-v1';

/** A task that may be launched, with what it takes, or why not. */
export type TaskVerdict =
  | { readonly kind: 'valid'; readonly resources: Resources }
  | { readonly kind: 'invalid'; readonly message: string };

const MAX_ID_LENGTH = 255;

/** The rules of one task of a LAUNCH (Mesos' master/validation): TASK_ERROR names the first one broken. */
export function validateTask(
  task: TaskInfo,
  context: {
    readonly agentId: string;
    readonly offered: Resources;
    readonly isKnownId: (id: string) => boolean;
  },
): TaskVerdict {
  const id = task.task_id.value;
  const idProblem = checkTaskId(id);
  if (idProblem !== undefined) return invalid(`task id ${JSON.stringify(id)} ${idProblem}`);
  if (context.isKnownId(id)) return invalid(`task ${id} exists already; ids must be unique`);
  if (task.agent_id.value !== context.agentId) {
    return invalid(
      `task ${id} names agent ${task.agent_id.value}, the offer's is ${context.agentId}`,
    );
  }
  const problem = checkCommand(task) ?? checkPolicies(task) ?? checkAmounts(task);
  if (problem !== undefined) return invalid(`task ${id}: ${problem}`);
  const wanted = fromWireResources(task.resources);
  if (isEmptyResources(wanted)) return invalid(`task ${id} uses no resources`);
  if (!containsResources(context.offered, wanted)) {
    return invalid(
      `task ${id} uses ${formatResources(wanted)}, more than the offered ${formatResources(context.offered)}`,
    );
  }
  return { kind: 'valid', resources: wanted };
}

function checkTaskId(id: string): string | undefined {
  if (id.length > MAX_ID_LENGTH) return `is longer than ${MAX_ID_LENGTH} characters`;
  if (id === '.' || id === '..') return 'is not allowed';
  for (const char of id) {
    const code = char.codePointAt(0) ?? 0;
    if (char === '/' || char === '\\' || code < 0x20 || code === 0x7f) {
      return `contains the character ${JSON.stringify(char)}`;
    }
  }
  return undefined;
}

function checkCommand(task: TaskInfo): string | undefined {
  if (task.executor !== undefined) {
    return task.command === undefined
      ? 'custom executors are not supported; give a command'
      : 'has both a command and an executor';
  }
  return task.command === undefined ? 'has neither a command nor an executor' : undefined;
}

function checkPolicies(task: TaskInfo): string | undefined {
  const grace = task.kill_policy?.grace_period?.nanoseconds ?? 0;
  if (grace < 0) return `kill_policy.grace_period is ${grace} ns, below 0`;
  const check = task.health_check;
  if (check === undefined) return undefined;
  for (const [name, value] of Object.entries(check)) {
    if (typeof value === 'number' && value < 0) return `health_check.${name} is ${value}, below 0`;
  }
  if (check.type === 'HTTP' && check.http === undefined) return 'health_check.http is required';
  if (check.type === 'TCP' && check.tcp === undefined) return 'health_check.tcp is required';
  if (check.type === 'COMMAND' && check.command === undefined) {
    return 'health_check.command is required';
  }
  return undefined;
}

function checkAmounts(task: TaskInfo): string | undefined {
  for (const resource of task.resources) {
    const { name } = resource;
    if (resource.type === 'SCALAR' && !((resource.scalar?.value ?? -1) >= 0)) {
      return `resource ${name} is ${resource.scalar?.value ?? 'absent'}, below 0`;
    }
    if (resource.type === 'SET') return `resource ${name} is a SET, which no agent offers`;
    for (const { begin, end } of resource.ranges?.range ?? []) {
      if (!Number.isInteger(begin) || !Number.isInteger(end) || begin < 0 || begin > end) {
        return `resource ${name} has the range ${begin}-${end}`;
      }
    }
  }
  return undefined;
}

const invalid = (message: string): TaskVerdict => ({ kind: 'invalid', message });
