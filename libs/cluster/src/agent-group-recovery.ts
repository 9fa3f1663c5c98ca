import type { RunKey } from '#core';
import { addMember, causeOf, liveMembers, noteEnded } from './agent-group.js';
import { settleGroups } from './agent-group-fate.js';
import { frameworkIdOf } from './agent-runs.js';
import type { AgentTurn } from './agent-turn.js';

interface Journal {
  readonly damaged: ReadonlyMap<RunKey, string>;
  readonly unattributed?: string;
}

/**
 * After the tasks of an agent that starts: they are groups again. A member that ended, or of which the record is lost,
 * ends the others of its launch, also when the agent died before it had told them. O(members²), which are few to a group.
 */
export function rejoinGroups(turn: AgentTurn, { damaged, unattributed }: Journal): void {
  const { groups, tasks, completed } = turn.state;
  for (const task of tasks.values()) {
    addMember(groups, task);
    if (task.phase.kind === 'ended') noteEnded(groups, task);
  }
  for (const { group: place, frameworkId, taskId, status } of completed.values()) {
    if (place === undefined || liveMembers(turn.state, place.executor).next().done) continue;
    groups.ended.push({ place, frameworkId, ...causeOf(taskId, status) });
  }
  for (const task of tasks.values()) {
    const { group: place } = task;
    if (place === undefined || task.phase.kind === 'ended') continue;
    const isLost = place.members.some(
      (run) =>
        (damaged.has(run) || unattributed !== undefined) &&
        tasks.get(run)?.group === undefined &&
        !completed.has(run),
    );
    if (!isLost) continue;
    const cause = "the agent's record of another task of its group is damaged";
    groups.ended.push({ place, frameworkId: frameworkIdOf(task), cause });
  }
  settleGroups(turn);
}
