import type { AppId, Deployment, Instance, InstanceCondition } from '#core';
import {
  type AppExplanation,
  MAX_EXPLAINED_AGENTS,
  type WaitingGroup,
} from './app-explanation.port.js';
import { type AppTarget, findDeployment, findTarget } from './deployment-targets.js';
import { Draft } from './draft.js';
import type { EngineContext } from './engine-context.js';
import { explainHold, explainStore } from './explain-hold.js';
import { explainEntry } from './explain-offers.js';
import { explainTurn } from './waiting-turns.js';
import { describeGroup } from './waiting-words.js';
import { owedEntry, wantedCount, workloadView } from './workloads.js';

/** Why an app is not as declared: offers, back-off, its deployment's step, or nothing. Undefined: no such app is known. */
export function explainApp(
  context: EngineContext,
  id: AppId,
  maxAgents = MAX_EXPLAINED_AGENTS,
): AppExplanation | undefined {
  const { state, memory, ports } = context;
  const draft = new Draft(state, ports.clock.now());
  const instances = [...state.instancesOf(id).values()];
  const deployment = findDeployment(draft, id);
  const isDeclared = state.root.apps.has(id);
  if (!isDeclared && instances.length === 0 && deployment === undefined) return undefined;
  const target = findTarget(draft, memory, id);
  const daemon = memory.daemons.get(id);
  const entry = memory.queue.get(id) ?? owedEntry(daemon, draft.now);
  const groups = entry === undefined ? [] : [explainEntry(context, draft, entry, maxAgents)];
  const waitingFor = [
    ...groups.flatMap((group) => describeGroup(group, draft.now)),
    ...subscriptionReasons(context, groups),
    ...targetReasons(target, instances),
    ...rolloutReasons(context, id, deployment).filter((reason) => !isOfOffers(reason, groups)),
    ...(deployment === undefined ? [] : explainTurn(context, draft, id, deployment)),
  ];
  const wanted = wantedOf(context, target);
  const missing = waitingFor.length > 0 ? waitingFor : missingReasons(wanted, instances);
  const store = missing.length > 0 ? explainStore(context) : [];
  const held = deployment === undefined ? store : explainHold(context, deployment, draft.now);
  return {
    appId: id,
    wanted,
    byCondition: countConditions(instances),
    waitingFor: [...held, ...missing],
    ...(daemon === undefined ? {} : { notWaitedFor: daemon.facts(draft.now).elsewhere }),
    groups,
    ...(deployment === undefined ? {} : { deployment }),
  };
}

function wantedOf(context: EngineContext, target: AppTarget): number {
  if (target.kind !== 'run' || target.mode === 'stop') return 0;
  const view = workloadView(context, target.app);
  return view?.kind === 'daemon' ? view.wanted : wantedCount(context, target.app);
}

function countConditions(instances: readonly Instance[]): ReadonlyMap<InstanceCondition, number> {
  const counts = new Map<InstanceCondition, number>();
  for (const { condition } of instances) counts.set(condition, (counts.get(condition) ?? 0) + 1);
  return counts;
}

function subscriptionReasons(
  { demand }: EngineContext,
  groups: readonly WaitingGroup[],
): readonly string[] {
  if (groups.length === 0 || demand.isSubscribed) return [];
  return ['the controller is not connected to a master, so no offers come'];
}

function targetReasons(target: AppTarget, instances: readonly Instance[]): readonly string[] {
  if (target.kind !== 'gone') return [];
  return [`the app is no longer declared and ${instances.length} of its instances are left`];
}

/** What the last look at the app's rollout waited for: in its deployment, or outside of it. */
function rolloutReasons(
  { memory }: EngineContext,
  id: AppId,
  deployment: Deployment | undefined,
): readonly string[] {
  const ofStep = deployment && memory.deployments.get(deployment.id)?.waiting.get(id);
  return ofStep ?? memory.steadyWaiting.get(id) ?? [];
}

/** Groups tell more of offers than the rollout does. */
const isOfOffers = (reason: string, groups: readonly WaitingGroup[]): boolean =>
  groups.length > 0 && reason.endsWith(' for an offer');

/** Nothing was said of it yet: right after a change or a start. */
function missingReasons(wanted: number, instances: readonly Instance[]): readonly string[] {
  const running = instances.filter(({ condition }) => condition === 'Running').length;
  if (running >= wanted) return [];
  return [`${running} of ${wanted} instances are running`];
}
