import type { Now, Reduction, RunKey } from '#core';
import type { AgentCall, AgentInfo, TaskStatus } from '#mesos-v1';
import { groupJournal } from './agent-effects.js';
import { settleExecutors } from './agent-executor-launch.js';
import { recoverExecutors, rejoinExecutors } from './agent-executor-recovery.js';
import { groupExecutors } from './agent-group.js';
import { executorOfGroup } from './agent-group-place.js';
import { rejoinGroups } from './agent-group-recovery.js';
import { asPlainTask } from './agent-group-spec.js';
import { supersede } from './agent-kills.js';
import { type LauncherKind, launcherKindOf } from './agent-launch-spec.js';
import type { AgentDescription } from './agent-reconfiguration.js';
import {
  type AgentIdentity,
  type JournalImage,
  rememberCompleted,
  type TaskRecord,
} from './agent-records.js';
import { frameworkIdOf, isCurrent, makeCurrent } from './agent-runs.js';
import {
  type AgentEffect,
  type AgentOptions,
  type AgentState,
  emptyAgentState,
  newAgentTask,
} from './agent-state.js';
import type { AgentTask, AgentTaskEvent } from './agent-task.js';
import { toCompleted } from './agent-task-turn.js';
import { type AgentTurn, feedTask } from './agent-turn.js';
import { isClosed, isCompleted } from './update-stream.js';
import { resumeVolumes } from './volume-checkpoint.js';

/** What the journal gave back. */
export interface RecoveredJournal {
  readonly identity?: AgentIdentity;
  readonly image: JournalImage;
  /** Runs whose lines were unreadable, with the reason. */
  readonly damaged: ReadonlyMap<RunKey, string>;
  /** Lines were unreadable that no run could be told from: each may have lost that it was handed to a launcher. */
  readonly unattributed?: string;
}

/**
 * Builds the state of an agent that starts, from what it wrote down. Tasks that were handed to a launcher are looked for
 * again (`reattach`), those that were not are launched now; after a reboot, or with damaged lines, a task is reported
 * lost. An agent that was told to start over and died meanwhile goes on with that: its old tasks must end before it
 * registers anew; so must those of one whose identity is gone. Whoever carries the effects out tells `started` that the
 * boot is a new one only when they are on the disk: until then the tasks of before the reboot are. O(tasks).
 */
export function recoverAgent(
  journal: RecoveredJournal,
  start: {
    readonly bootId: string;
    readonly seed: readonly number[];
    readonly options: AgentOptions;
    readonly now: Now;
    /** As what it registers from now on. */
    readonly description?: AgentDescription;
  },
): Reduction<AgentState, AgentEffect> {
  const before = journal.identity;
  const hasRebooted = before !== undefined && before.bootId !== start.bootId;
  const { identity } = resumeVolumes({
    highestEpoch: 0,
    ...before,
    bootId: start.bootId,
    ...(start.description === undefined ? {} : { description: start.description }),
  });
  const { tasks, executors } = journal.image;
  const isStartingOver = before?.agentId === undefined && tasks.size + executors.size > 0;
  const state: AgentState = {
    ...emptyAgentState(identity, start.seed, start.options),
    ...(isStartingOver ? { leaving: 'reregister' as const } : {}),
  };
  const turn: AgentTurn = { state, effects: [], now: start.now, resized: new Set() };
  const { effects } = turn;
  if (isStartingOver) effects.push({ kind: 'pause-link', reason: 'old tasks have to end first' });
  for (const [run, completed] of journal.image.completed) state.completed.set(run, completed);
  recoverExecutors(turn, journal, { hasRebooted });
  for (const [run, record] of journal.image.tasks) {
    const damage = journal.damaged.get(run);
    const task = restoreTask(run, record, start.now);
    if (isCompleted(task.stream)) {
      completeTask(turn, task);
      continue;
    }
    // Newer runs come later, so that the last one of a task stays.
    if (record.kill?.isSuperseded !== true) makeCurrent(state.current, task);
    const event = firstEvent(record, {
      ...(damage === undefined ? {} : { damage }),
      hasRebooted,
      task,
    });
    // Where the line is lost that says whether it was handed to a launcher, nothing is launched twice.
    const isLaunching = record.isLaunching || journal.unattributed !== undefined;
    if (event === undefined || (isLaunching && event.kind === 'accepted')) {
      placeTask(turn, task, { ...record, isLaunching });
    } else {
      state.tasks.set(run, task);
      feedTask(turn, run, event);
    }
  }
  endSuperseded(turn);
  rejoinExecutors(turn, journal);
  rejoinGroups(turn, journal);
  settleExecutors(turn);
  return { state: turn.state, effects: groupJournal(effects) };
}

/** The agent died between the launch of a new run and the end of the one before. */
function endSuperseded(turn: AgentTurn): void {
  for (const task of [...turn.state.tasks.values()]) {
    if (!isCurrent(turn.state, task)) supersede(turn, task);
  }
}

/** Its end is acknowledged; the line that says so, and that it is completed, was cut off between the two. */
function completeTask({ state, effects }: AgentTurn, task: AgentTask): void {
  const { run, launcher } = task;
  const status = task.stream.latest;
  if (status === undefined) return;
  const completed = toCompleted(task, status);
  rememberCompleted(state.completed, completed);
  effects.push({ kind: 'journal', run, records: [{ kind: 'completed', ...completed }] });
  if (task.executorRun === undefined) effects.push({ kind: 'release', run, launcher });
  effects.push({ kind: 'forget', run });
}

const launcherOf = ({ task, group }: TaskRecord): LauncherKind =>
  launcherKindOf(group === undefined ? (task.executor ?? task) : asPlainTask(task));

function restoreTask(run: RunKey, record: TaskRecord, now: Now): AgentTask {
  const fresh = newAgentTask(record.framework, record.task, {
    monoMs: now.monoMs,
    isConnected: false,
    launcher: launcherOf(record),
    ...{ run, launchId: record.launchId, executorRun: record.executorRun },
    ...{ isGrouped: record.isGrouped, group: record.group },
  });
  // An earlier version did not write it down.
  const { latest } = record;
  const isRunning = latest?.state === 'TASK_RUNNING';
  const since = record.runningSince ?? (isRunning ? latest?.timestamp : undefined);
  return {
    ...fresh,
    ...(fresh.phase.kind === 'delegated'
      ? { phase: { kind: 'delegated', isSent: false, isUnproven: true } }
      : {}),
    ...(record.settled === undefined ? {} : { settled: record.settled }),
    ...(record.gpus === undefined ? {} : { gpus: record.gpus }),
    stream: {
      connected: false,
      pending: record.pending,
      ...(record.latest === undefined ? {} : { latest: record.latest }),
    },
    ...(since === undefined ? {} : { runningSince: since }),
    ...(record.kill === undefined ? {} : { kill: record.kill }),
  };
}

function firstEvent(
  record: TaskRecord,
  found: { readonly damage?: string; readonly hasRebooted: boolean; readonly task: AgentTask },
): AgentTaskEvent | undefined {
  if (isClosed(found.task.stream)) return undefined;
  if (found.damage !== undefined) {
    return {
      kind: 'lost',
      message: `the agent's record of it is damaged: ${found.damage}`,
      reason: 'REASON_AGENT_RESTARTED',
    };
  }
  if (found.hasRebooted) {
    return { kind: 'lost', message: 'the host was restarted', reason: 'REASON_AGENT_RESTARTED' };
  }
  if (record.isLaunching || record.executorRun !== undefined) return undefined;
  return record.kill === undefined ? { kind: 'accepted' } : { kind: 'kill', kill: record.kill };
}

function placeTask({ state, effects, now }: AgentTurn, task: AgentTask, record: TaskRecord): void {
  const { run, launcher } = task;
  if (isClosed(task.stream)) {
    state.tasks.set(run, { ...task, phase: { kind: 'ended' } });
    if (record.executorRun === undefined) effects.push({ kind: 'release', run, launcher });
    return;
  }
  if (record.executorRun !== undefined) {
    state.tasks.set(run, task);
    return;
  }
  if (!record.isLaunching) return;
  const { reattachDeadlineMs } = state.options;
  const deadlineMs = now.monoMs + reattachDeadlineMs;
  state.tasks.set(run, { ...task, phase: { kind: 'recovering', attempts: 0, deadlineMs } });
  effects.push(
    { kind: 'reattach', run, launcher, ...executorOfGroup(task) },
    // A launcher that never answers does not hold the task for ever.
    { kind: 'set-timer', run, timer: 'phase', delayMs: reattachDeadlineMs },
  );
}

/** The SUBSCRIBE call: who the agent is, where it stopped, and every task it still answers for. O(tasks). */
export function toSubscribe(
  state: AgentState,
  agent: Omit<AgentInfo, 'id'>,
  version: string,
): Extract<AgentCall, { readonly type: 'SUBSCRIBE' }> {
  const { agentId } = state.identity;
  // What was superseded is nobody's any more.
  const tasks = [...state.tasks.values()].filter((task) => isCurrent(state, task));
  const executors = [...state.executors.values()];
  const frameworks = new Map(
    [...executors, ...tasks].map(({ framework }) => [framework.id?.value, framework]),
  );
  return {
    type: 'SUBSCRIBE',
    subscribe: {
      agent_info: { ...agent, ...(agentId === undefined ? {} : { id: { value: agentId } }) },
      version,
      highest_epoch: state.identity.highestEpoch,
      ...(state.master.lastApplied === undefined ? {} : { last_applied: state.master.lastApplied }),
      tasks: tasks.map((task) => {
        const latest = task.stream.latest ?? stagingStatus(task);
        return {
          framework_id: { value: frameworkIdOf(task) },
          task: task.definition,
          state: latest.state,
          latest_status: latest,
          ...(task.launchId === undefined ? {} : { launch_id: task.launchId }),
        };
      }),
      frameworks: [...frameworks.values()],
      checkpointed_resources: state.identity.checkpointedResources ?? [],
      executors: [...executors, ...groupExecutors(state)].map(({ framework, info, launchId }) => ({
        framework_id: { value: framework.id?.value ?? '' },
        executor: info,
        ...(launchId === undefined ? {} : { launch_id: launchId }),
      })),
    },
  };
}

/** What a task is that was accepted and of which nothing has been reported yet. */
const stagingStatus = ({ id, definition }: AgentTask): TaskStatus => ({
  task_id: { value: id },
  ...(definition.executor === undefined ? {} : { executor_id: definition.executor.executor_id }),
  agent_id: definition.agent_id,
  state: 'TASK_STAGING',
  source: 'SOURCE_AGENT',
});
