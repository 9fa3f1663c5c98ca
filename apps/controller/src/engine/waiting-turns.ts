import type { App, AppId, Deployment } from '#core';
import { isDeparture, plannedActions } from '#deployment';
import type { QueueEntryView } from './controller-engine.port.js';
import { DependencyLook } from './dependency-look.js';
import type { Draft } from './draft.js';
import type { EngineContext } from './engine-context.js';
import type { DeploymentMemory } from './engine-memory.js';
import { toFunnel } from './queue-statistics.js';
import { wantedCount } from './workloads.js';

/** Apps of a deployment whose turn has not come that are named, and reasons of an app that is waited for. */
const MAX_NAMED = 10;

/** What the apps of a deployment wait for whose turn has not come. */
export function describeHolds(memory: DeploymentMemory | undefined): readonly string[] {
  const holds = [...(memory?.holds ?? [])];
  const named = holds.slice(0, MAX_NAMED).map(([app, reasons]) => `${app}: ${inTurn(reasons)}`);
  const more = holds.length - named.length;
  return more > 0 ? [...named, `${more} more apps wait for their turn`] : named;
}

/** Entries of the queue of apps that wait for nothing but their turn. */
export function heldEntries(context: EngineContext): readonly QueueEntryView[] {
  const { memory, state } = context;
  const entries: QueueEntryView[] = [];
  for (const [id, { holds, originals }] of memory.deployments) {
    const deployment = state.deployments.get(id);
    if (deployment === undefined) continue;
    for (const [app, reasons] of holds) {
      const count = countHeld(context, deployment, app, originals.get(app));
      if (count <= 0 || memory.queue.has(app) || memory.daemons.has(app)) continue;
      entries.push({
        appId: app,
        count,
        sinceEpochMs: deployment.startedAtEpochMs,
        delayLeftMs: 0,
        heldBy: inTurn(reasons),
        processedOffers: 0,
        unusedOffers: 0,
        rejectLastOffers: toFunnel(0, new Map()),
        rejectLaunchAttempt: toFunnel(0, new Map()),
      });
    }
  }
  return entries;
}

/** Why the turn of an app in its deployment has not come, as of now. */
export function explainTurn(
  context: EngineContext,
  draft: Draft,
  id: AppId,
  deployment: Deployment,
): readonly string[] {
  const planned = plannedActions(deployment).get(id);
  const memory = context.memory.deployments.get(deployment.id);
  if (planned === undefined || memory?.holds.has(id) !== true) return [];
  const { reasons, sights } = new DependencyLook(context, draft).holdOf(deployment, id);
  if (reasons.length === 0) return [];
  const running = [...context.memory.deployments.values()];
  const others = sights.flatMap(({ app }) =>
    running.flatMap(({ waiting }) => (waiting.get(app) ?? []).map((why) => `${app}: ${why}`)),
  );
  const more = others.length > MAX_NAMED ? [`${others.length - MAX_NAMED} more`] : [];
  return [
    `its turn in deployment ${deployment.id}, step ${planned.step + 1} of ${deployment.steps.length}, ` +
      `has not come: ${reasons.join('; ')}`,
    ...others.slice(0, MAX_NAMED),
    ...more,
  ];
}

const inTurn = (reasons: readonly string[]): string => `waits for its turn: ${reasons.join('; ')}`;

/** Instances that are to come with its turn. */
function countHeld(
  context: EngineContext,
  deployment: Deployment,
  id: AppId,
  original: App | undefined,
): number {
  const planned = plannedActions(deployment).get(id);
  const app = context.state.root.apps.get(id);
  if (planned === undefined || app === undefined) return 0;
  if (isDeparture(planned.action, original)) return 0;
  const wanted = wantedCount(context, app);
  return planned.action.kind === 'RestartApplication'
    ? wanted
    : wanted - (original?.instances ?? 0);
}
