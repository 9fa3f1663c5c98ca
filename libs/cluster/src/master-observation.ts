import type { TaskStatus } from '#mesos-v1';
import type {
  Agent,
  Framework,
  FrameworkImage,
  MasterState,
  Task,
  TaskImage,
} from './master-state.js';

/**
 * What one event changed, for those who watch the master. Reducers touch a thing before they change it; what came of it
 * is seen by comparing once the event is over. So a touch too many tells nothing, and touching is all a reducer has to
 * know. Costs one comparison per call while nobody watches.
 */
export type MasterChange =
  | { readonly kind: 'framework-added'; readonly framework: Framework }
  | { readonly kind: 'framework-updated'; readonly framework: Framework }
  | { readonly kind: 'framework-removed'; readonly framework: Framework }
  /** Registered, or back with news of itself. */
  | { readonly kind: 'agent-added'; readonly agent: Agent }
  /** Unreachable or gone. */
  | { readonly kind: 'agent-removed'; readonly agent: Agent }
  | { readonly kind: 'task-added'; readonly task: Task }
  /** One for each status; without one when the task's state changed and nobody was told. */
  | { readonly kind: 'task-updated'; readonly task: Task; readonly status?: TaskStatus };

/** Begins to note changes; {@link takeChanges} is called after each event from then on. */
export function startObserving(state: MasterState): void {
  state.observation ??= { tasks: new Map(), agents: new Map(), frameworks: new Map() };
}

export function stopObserving(state: MasterState): void {
  delete state.observation;
}

/** To be called before a task changes, or before it enters its framework's ledger. */
export function touchTask(state: MasterState, task: Task): void {
  const { observation } = state;
  if (observation === undefined || observation.tasks.has(task)) return;
  observation.tasks.set(task, {
    isNew: state.frameworks.get(task.frameworkId)?.tasks.get(task.id) !== task,
    state: task.state,
    lastStatus: task.statuses.at(-1),
  });
}

/** To be called before an agent changes, or before it enters {@link MasterState.agents}. */
export function touchAgent(state: MasterState, agent: Agent): void {
  const { observation } = state;
  if (observation === undefined || observation.agents.has(agent)) return;
  observation.agents.set(agent, {
    isListed: isListedAgent(state, agent),
    info: agent.info,
    total: agent.total,
    activation: agent.activation,
  });
}

/** To be called before a framework changes, or before it enters {@link MasterState.frameworks}. */
export function touchFramework(state: MasterState, framework: Framework): void {
  const { observation } = state;
  if (observation === undefined || observation.frameworks.has(framework)) return;
  observation.frameworks.set(framework, {
    isNew: state.frameworks.get(framework.id) !== framework,
    info: framework.info,
    isConnected: framework.streamId !== undefined,
    isRecovered: framework.isRecovered,
  });
}

/** Registered agents, connected or not: what reads list as agents. */
export const isListedAgent = (state: MasterState, agent: Agent): boolean =>
  (agent.condition === 'connected' || agent.condition === 'disconnected') &&
  state.agents.get(agent.id) === agent;

/** What may have changed, each thing once. */
export interface MasterTouches {
  readonly tasks: Iterable<Task>;
  readonly agents: Iterable<Agent>;
  readonly frameworks: Iterable<Framework>;
}

/** What the event that was just reduced touched, until {@link takeChanges} forgets it; also whose offers changed. */
export const touchesOf = ({ observation }: MasterState): MasterTouches => ({
  // Each follower begins at the beginning.
  get tasks() {
    return observation?.tasks.keys() ?? [];
  },
  get agents() {
    return observation?.agents.keys() ?? [];
  },
  get frameworks() {
    return observation?.frameworks.keys() ?? [];
  },
});

/**
 * What the event that was just reduced changed, and forgets it. Who comes is told before its tasks, who leaves after
 * them. O(things touched).
 */
export function takeChanges(state: MasterState): readonly MasterChange[] {
  const { observation } = state;
  if (observation === undefined) return [];
  const changes: MasterChange[] = [];
  const removals: MasterChange[] = [];
  for (const [framework, before] of observation.frameworks) {
    const change = compareFramework(state, framework, before);
    if (change === undefined) continue;
    (change.kind === 'framework-removed' ? removals : changes).push(change);
  }
  for (const [agent, before] of observation.agents) {
    const isListed = isListedAgent(state, agent);
    const isNews =
      agent.info !== before.info ||
      agent.total !== before.total ||
      agent.activation !== before.activation;
    if (isListed && (!before.isListed || isNews)) changes.push({ kind: 'agent-added', agent });
    else if (!isListed && before.isListed) removals.push({ kind: 'agent-removed', agent });
  }
  for (const [task, before] of observation.tasks) changes.push(...compareTask(task, before));
  observation.frameworks.clear();
  observation.agents.clear();
  observation.tasks.clear();
  return [...changes, ...removals];
}

function compareFramework(
  state: MasterState,
  framework: Framework,
  before: FrameworkImage,
): MasterChange | undefined {
  const isKnown = state.frameworks.get(framework.id) === framework;
  if (!isKnown) return before.isNew ? undefined : { kind: 'framework-removed', framework };
  if (before.isNew) return { kind: 'framework-added', framework };
  const isSame =
    framework.info === before.info &&
    (framework.streamId !== undefined) === before.isConnected &&
    framework.isRecovered === before.isRecovered;
  return isSame ? undefined : { kind: 'framework-updated', framework };
}

function compareTask(task: Task, before: TaskImage): readonly MasterChange[] {
  if (before.isNew) return [{ kind: 'task-added', task }];
  const { lastStatus } = before;
  const known = lastStatus === undefined ? -1 : task.statuses.lastIndexOf(lastStatus);
  const statuses = task.statuses.slice(known + 1);
  if (statuses.length > 0) {
    return statuses.map((status) => ({ kind: 'task-updated', task, status }));
  }
  return task.state === before.state ? [] : [{ kind: 'task-updated', task }];
}
