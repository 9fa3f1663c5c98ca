import type { RunKey } from '#core';
import { type AgentExecutor, type ExecutorRecord, executorKeyOf } from './agent-executor.js';
import { startExecutor } from './agent-executor-launch.js';
import { journalExecutor, setExecutor, setPhaseTimer } from './agent-executor-turn.js';
import { launcherKindOf } from './agent-launch-spec.js';
import type { JournalImage } from './agent-records.js';
import type { AgentTask } from './agent-task.js';
import { type AgentTurn, feedTask } from './agent-turn.js';

/**
 * The executors of an agent that starts. Those that were handed to a launcher are looked for again, and have then to
 * subscribe; those that were not are launched now. After a reboot they are over.
 */

interface Journal {
  readonly image: JournalImage;
  readonly damaged: ReadonlyMap<RunKey, string>;
  readonly unattributed?: string;
}

/** Before the tasks. O(executors). */
export function recoverExecutors(
  turn: AgentTurn,
  { image, damaged, unattributed }: Journal,
  { hasRebooted }: { readonly hasRebooted: boolean },
): void {
  const { state } = turn;
  for (const [run, completed] of image.completedExecutors) {
    state.completedExecutors.set(run, completed);
  }
  for (const [run, record] of image.executors) {
    const executor = restore(run, record);
    // Without its whole record it is a stray, and ended as one.
    if (hasRebooted || damaged.has(run)) forget(turn, executor);
    else {
      // Where the line is lost that says whether it was handed to a launcher, nothing is launched twice.
      const isLaunching = record.isLaunching || unattributed !== undefined;
      place(turn, executor, { ...record, isLaunching });
    }
  }
}

/** After the tasks: each goes to its executor. One that was about to be started for it is; of one that is over it fails. */
export function rejoinExecutors(turn: AgentTurn, journal: Journal): void {
  const { state } = turn;
  for (const task of [...state.tasks.values()]) {
    const { executorRun } = task;
    if (executorRun === undefined) continue;
    const executor = state.executors.get(executorRun) ?? startMissing(turn, task, journal);
    if (executor !== undefined) {
      executor.tasks.add(task.run);
      turn.resized.add(executorRun);
      continue;
    }
    if (task.phase.kind !== 'delegated') continue;
    feedTask(turn, task.run, {
      kind: 'executor-ended',
      content: {
        state: 'TASK_FAILED',
        source: 'SOURCE_AGENT',
        reason: 'REASON_EXECUTOR_TERMINATED',
        message: 'its executor had ended when the agent was restarted',
      },
    });
  }
}

/** The agent died between the record of the task and that of its executor. */
function startMissing(
  turn: AgentTurn,
  { executorRun: run, definition, framework, phase, launchId }: AgentTask,
  { damaged, unattributed }: Journal,
): AgentExecutor | undefined {
  const info = definition.executor;
  if (run === undefined || info === undefined || phase.kind !== 'delegated') return undefined;
  // The line that is lost may have been that of the executor.
  const isUnsure = damaged.has(run) || unattributed !== undefined;
  const isOver = isUnsure || turn.state.completedExecutors.has(run);
  const key = executorKeyOf(framework.id?.value ?? '', info.executor_id.value);
  if (isOver || turn.state.executorRuns.has(key)) return undefined;
  return startExecutor(turn, { run, framework, info, launchId });
}

function restore(run: RunKey, record: ExecutorRecord): AgentExecutor {
  const { framework, executor: info, launchId, isRegistered, ending } = record;
  return {
    ...{ run, framework, info, isRegistered },
    id: info.executor_id.value,
    launcher: launcherKindOf(info),
    phase: { kind: 'received', waitsFor: info.command?.uris?.length ? 'fetch' : 'launch' },
    ...(launchId === undefined ? {} : { launchId }),
    ...(ending === undefined ? {} : { ending }),
    tasks: new Set(),
  };
}

function place(turn: AgentTurn, executor: AgentExecutor, { isLaunching }: ExecutorRecord): void {
  const { run, launcher, framework, id } = executor;
  if (!isLaunching && executor.ending !== undefined) {
    forget(turn, executor);
    return;
  }
  turn.state.executorRuns.set(executorKeyOf(framework.id?.value ?? '', id), run);
  if (!isLaunching) {
    setExecutor(turn, executor);
    turn.resized.add(run);
    return;
  }
  const { reattachDeadlineMs } = turn.state.options;
  const deadlineMs = turn.now.monoMs + reattachDeadlineMs;
  setExecutor(turn, { ...executor, phase: { kind: 'recovering', attempts: 0, deadlineMs } });
  turn.effects.push({ kind: 'reattach', run, launcher });
  // A launcher that never answers does not hold its tasks for ever.
  setPhaseTimer(turn, run, reattachDeadlineMs);
}

function forget(turn: AgentTurn, { run, id, framework }: AgentExecutor): void {
  const completed = { run, executorId: id, frameworkId: framework.id?.value ?? '' };
  journalExecutor(turn, { kind: 'executor-ended', ...completed });
  turn.state.completedExecutors.set(run, completed);
}
