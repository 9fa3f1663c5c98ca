import { connectStream, end, killed, sendKill, type Turn } from './agent-task-turn.js';

/** Nothing of the run was or will be written down, and nothing was done for it. */
export function endUnwritten(turn: Turn, problem: string): void {
  const hasEnded = turn.task.phase.kind === 'ended';
  turn.task = { ...turn.task, isUnwritten: true };
  // What it had to say was to be sent after it was written.
  if (hasEnded) connectStream(turn);
  const { kill } = turn.task;
  end(
    turn,
    kill === undefined
      ? {
          state: 'TASK_FAILED',
          source: 'SOURCE_AGENT',
          reason: 'REASON_CONTAINER_LAUNCH_FAILED',
          message: `this agent cannot write down what it launches: ${problem}`,
        }
      : {
          ...killed(turn.task, kill),
          reason: 'REASON_TASK_KILLED_DURING_LAUNCH',
          // Its executor never heard of it, and is not told of acknowledgements.
          ...(turn.task.executorRun === undefined ? {} : { source: 'SOURCE_AGENT' }),
        },
  );
}

/** A kill that waits behind what the disk refuses is asked for again: ending tasks may be what makes room. */
export function repeatKill(turn: Turn): void {
  const { kill, phase } = turn.task;
  if (kill !== undefined && phase.kind === 'killing') sendKill(turn, kill.graceMs);
}
