import { type TaskId, taskId } from '#core';
import type { SchedulerCallWithoutFrameworkId } from '#framework';
import type { OfferOperation, TaskInfo, TaskStatus } from '#mesos-v1';

/**
 * In the simulation every task has a name of its own, `<framework>.<number>`. Frameworks that share ids leave out the first
 * part on the wire, so that each id is used by all of them, on the same agents too.
 */

const SHARING: ReadonlySet<string> = new Set(['framework-1', 'framework-2', 'framework-3']);

/** What the framework calls a task towards a master. */
export const toWireId = (name: string): string => {
  const [framework = '', number = ''] = name.split('.');
  return SHARING.has(framework) ? number : name;
};

/** Whose task a wire's id means, given the framework's name. */
export const toTaskName = (framework: string, wireId: string): TaskId =>
  taskId(wireId.includes('.') ? wireId : `${framework}.${wireId}`);

export const withTaskName = (framework: string, status: TaskStatus): TaskStatus => ({
  ...status,
  task_id: { value: toTaskName(framework, status.task_id.value) },
});

/** A call as it goes to a master. */
export function toWireCall(call: SchedulerCallWithoutFrameworkId): SchedulerCallWithoutFrameworkId {
  switch (call.type) {
    case 'ACCEPT': {
      const operations = call.accept.operations?.map(toWireOperation);
      const accept = operations === undefined ? call.accept : { ...call.accept, operations };
      return { ...call, accept };
    }
    case 'KILL':
      return { ...call, kill: { ...call.kill, task_id: toWire(call.kill.task_id) } };
    case 'RECONCILE': {
      const tasks = call.reconcile.tasks.map((task) => ({
        ...task,
        task_id: toWire(task.task_id),
      }));
      return { ...call, reconcile: { tasks } };
    }
    default:
      return call;
  }
}

const toWire = ({ value }: { readonly value: string }) => ({ value: toWireId(value) });

function toWireOperation(operation: OfferOperation): OfferOperation {
  if (operation.type === 'LAUNCH') {
    return { ...operation, launch: { task_infos: operation.launch.task_infos.map(toWireTask) } };
  }
  if (operation.type !== 'LAUNCH_GROUP') return operation;
  const { launch_group } = operation;
  const tasks = launch_group.task_group.tasks.map(toWireTask);
  return { ...operation, launch_group: { ...launch_group, task_group: { tasks } } };
}

const toWireTask = (info: TaskInfo): TaskInfo => ({ ...info, task_id: toWire(info.task_id) });
