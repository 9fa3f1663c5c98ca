import type { TaskId } from '#core';
import type { AgentMessage } from '#mesos-v1';
import type { AgentNode } from '../agent-node.js';

type LaunchGroup = Extract<AgentMessage, { readonly type: 'LAUNCH_GROUP' }>['launch_group'];

/** The groups of a whole cluster: which tasks were launched together, and that none goes on without the others. */
export class GroupWatch {
  /** Members by the name of each of them. */
  private readonly groups = new Map<TaskId, readonly TaskId[]>();

  launched({ executor, tasks }: LaunchGroup, nameOf: (id: string) => TaskId): readonly TaskId[] {
    // A custom executor decides what becomes of the others.
    if (executor.type === 'CUSTOM') return [];
    const members = tasks.map(({ task_id }) => nameOf(task_id.value));
    for (const member of members) this.groups.set(member, members);
    return members;
  }

  /** Members that run although another one ended other than by finishing, or never ran. */
  findAlone(agents: readonly AgentNode[]): readonly string[] {
    const alone: string[] = [];
    for (const { name, host } of agents) {
      for (const task of host.running()) {
        for (const other of this.groups.get(task) ?? []) {
          const found = host.tasks.get(other);
          const status = found?.exit?.status;
          const isFinished = status?.kind === 'exited' && status.code === 0;
          if (found?.state === 'running' || isFinished) continue;
          alone.push(`${task} runs on ${name} without ${other}, which is in its group`);
        }
      }
    }
    return alone;
  }
}
