import type { AppId, Deployment, Instance, InstanceCondition } from '#core';
import {
  type AppExplanation,
  MAX_EXPLAINED_AGENTS,
  type WaitingGroup,
} from './app-explanation.port.js';
import { type AppTarget, findDeployment, findTarget } from './deployment-targets.js';
import { Draft } from './draft.js';
import type { EngineContext } from './engine-context.js';
import { explainEntry } from './explain-offers.js';
import { describeGroup } from './waiting-words.js';

/** Reasons of other apps told of a step that has to end first. */
const MAX_STEP_REASONS = 10;

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
  const entry = memory.queue.get(id);
  const groups = entry === undefined ? [] : [explainEntry(context, draft, entry, maxAgents)];
  const waitingFor = [
    ...groups.flatMap((group) => describeGroup(group, draft.now)),
    ...subscriptionReasons(context, groups),
    ...targetReasons(target, instances),
    ...rolloutReasons(context, id, deployment).filter((reason) => !isOfOffers(reason, groups)),
    ...(deployment === undefined ? [] : turnReasons(context, id, deployment)),
  ];
  const wanted = wantedOf(target);
  return {
    appId: id,
    wanted,
    byCondition: countConditions(instances),
    waitingFor: waitingFor.length > 0 ? waitingFor : missingReasons(wanted, instances),
    groups,
    ...(deployment === undefined ? {} : { deployment }),
  };
}

const wantedOf = (target: AppTarget): number =>
  target.kind === 'run' && target.mode !== 'stop' ? target.app.instances : 0;

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

/** What the last look at the app's rollout waited for: in the deployment's current step, or outside of it. */
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

/** The app's turn in a deployment comes with the step of its dependency layer. */
function turnReasons(
  { memory }: EngineContext,
  id: AppId,
  { id: deploymentId, steps, currentStep }: Deployment,
): readonly string[] {
  const next = steps.findIndex(
    ({ actions }, step) => step > currentStep && actions.some(({ app }) => app === id),
  );
  if (next < 0 || steps[currentStep]?.actions.some(({ app }) => app === id) === true) return [];
  const others = [...(memory.deployments.get(deploymentId)?.waiting ?? [])].flatMap(
    ([app, reasons]) => reasons.map((reason) => `${app}: ${reason}`),
  );
  const more = others.length > MAX_STEP_REASONS ? [`${others.length - MAX_STEP_REASONS} more`] : [];
  const reasons = [...others.slice(0, MAX_STEP_REASONS), ...more];
  return [
    `its turn in deployment ${deploymentId} comes with step ${next + 1} of ${steps.length}; ` +
      `step ${currentStep + 1} has to end first` +
      (reasons.length === 0 ? '' : `, which waits for ${reasons.join('; ')}`),
  ];
}

/** Nothing was said of it yet: right after a change or a start. */
function missingReasons(wanted: number, instances: readonly Instance[]): readonly string[] {
  const running = instances.filter(({ condition }) => condition === 'Running').length;
  if (running >= wanted) return [];
  return [`${running} of ${wanted} instances are running`];
}
