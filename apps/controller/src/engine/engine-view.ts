import { type AppId, type Instance, isTerminalCondition, type TaskId } from '#core';
import { actionsUnderWay, delayLeftMs } from '#deployment';
import type {
  ControllerView,
  DeploymentView,
  InstanceView,
  QueueEntryView,
  RouterView,
} from './controller-engine.port.js';
import { definitionOf } from './definitions.js';
import { deploymentsByApp } from './deployment-targets.js';
import { Draft } from './draft.js';
import type { EngineContext } from './engine-context.js';
import { explainApp } from './explain-app.js';
import { explainHold } from './explain-hold.js';
import { listUnusedOffers } from './explain-offers.js';
import { leavingApp, leavingApps } from './leaving-apps.js';
import {
  explainRefusals,
  lastOffersByReason,
  newQueueStatistics,
  toFunnel,
} from './queue-statistics.js';
import { isRecent } from './router-sights.js';
import { describeHolds, heldEntries } from './waiting-turns.js';
import { describeDelay } from './waiting-words.js';
import { owedEntry, workloadView } from './workloads.js';

/** Reads from memory; nothing here waits or copies more than it shows. */
export function createView(context: EngineContext): ControllerView {
  const { state, memory } = context;
  return {
    root: () => state.root,
    instancesOf: (app) =>
      [...state.instancesOf(app).values()].map((instance) => toInstanceView(context, instance)),
    instanceOfTask: (task: TaskId) => {
      const instance = state.instanceOfTask(task);
      return instance === undefined ? undefined : toInstanceView(context, instance);
    },
    agentUrlOfEnded: (task) => state.agentUrlOfEnded(task),
    appsWithInstances: () => state.appsWithInstances(),
    deployments: () => [...state.deployments.keys()].map((id) => toDeploymentView(context, id)),
    deploymentsOf: (app) => cachedByApp(context).get(app) ?? [],
    readinessOf: (app) => context.readiness.resultsOf(app, state.instancesOf(app).keys()),
    leavingApps: () => leavingApps(context),
    leavingApp: (app) => leavingApp(context, app),
    failureOf: (app) => state.failures.get(app),
    explain: (app, options) => explainApp(context, app, options?.maxAgents),
    unusedOffers: (app, limit) =>
      listUnusedOffers(context, new Draft(state, context.ports.clock.now()), app, limit),
    workloadOf: (app) => workloadView(context, app),
    queue: () =>
      [...memory.queue.keys(), ...memory.daemons.keys()]
        .flatMap((id) => toQueueEntry(context, id))
        .concat(heldEntries(context)),
    changeCounter: (app) => memory.counterOf(app),
    totalChangeCounter: () => memory.totalCounter,
    certificates: () =>
      [...state.certificates.values()].sort(({ name: left }, { name: right }) =>
        left < right ? -1 : 1,
      ),
    lastEventId: () => state.lastEventId,
    frameworkId: () => state.frameworkId,
    masterUrl: () => memory.master,
    routers: () => routerViews(context),
    routerReports: () => memory.routerReports,
  };
}

function routerViews({ memory, state, ports }: EngineContext): readonly RouterView[] {
  const now = ports.clock.now();
  return [...memory.routers].map(([id, router]) => ({
    id,
    heardEpochMs: router.heardEpochMs,
    isRecent: isRecent(router, now),
    behindEvents: Math.max(0, state.lastEventId - router.report.appliedSequence),
    ...(router.behind === undefined ? {} : { behindSinceEpochMs: router.behind.sinceEpochMs }),
    report: router.report,
  }));
}

function toInstanceView(context: EngineContext, instance: Instance): InstanceView {
  const health = context.health.resultsOf(instance.id);
  const app = definitionOf(context, context.state.root, instance);
  const verdict = context.health.verdictOf(instance.id, app);
  const isChecked = (app?.healthChecks.length ?? 0) > 0 && !isTerminalCondition(instance.condition);
  const checkResult = context.memory.checkResults.get(instance.id);
  const seen = {
    instance,
    health,
    ...(app?.pod === undefined
      ? {}
      : { containerHealth: context.health.containerHealth(instance.id) }),
    ...(checkResult === undefined ? {} : { checkResult }),
  };
  if (!isChecked || verdict === 'unknown' || verdict === 'pending') return seen;
  return { ...seen, healthy: verdict === 'healthy' };
}

type ByApp = ReturnType<typeof deploymentsByApp>;
const byAppCache = new WeakMap<EngineContext, { readonly at: number; readonly byApp: ByApp }>();

/** Every app of a list asks: the index is made once per change. */
function cachedByApp(context: EngineContext): ByApp {
  const at = context.memory.totalCounter;
  const known = byAppCache.get(context);
  if (known?.at === at) return known.byApp;
  const byApp = deploymentsByApp(context.state.deployments.values());
  byAppCache.set(context, { at, byApp });
  return byApp;
}

function toDeploymentView(
  context: EngineContext,
  id: DeploymentView['deployment']['id'],
): DeploymentView {
  const deployment = context.state.deployments.get(id);
  if (deployment === undefined) throw new Error(`deployment ${id} is not running`);
  const memory = context.memory.deployments.get(id);
  const waitingFor = [...explainHold(context, deployment, context.ports.clock.now())];
  for (const [app, reasons] of memory?.waiting ?? []) {
    for (const reason of [...reasons, ...explainQueue(context, app)]) {
      waitingFor.push(`${app}: ${reason}`);
    }
  }
  waitingFor.push(...describeHolds(memory));
  const readiness = actionsUnderWay(deployment).flatMap(({ app }) =>
    context.readiness.resultsOf(app, context.state.instancesOf(app).keys()),
  );
  return { deployment, readiness, waitingFor };
}

/** Why what waits to be launched is not: the back-off, or how the offers fell short. */
function explainQueue({ state, memory, ports }: EngineContext, id: AppId): readonly string[] {
  const entry = memory.queue.get(id);
  if (entry === undefined) return [];
  const leftMs = delayLeftMs(memory.backOffs.get(id), entry.app, ports.clock.now());
  if (leftMs === 0) return [`offers: ${explainRefusals(memory.statistics.get(id))}`];
  return [describeDelay(leftMs, state.failures.get(id))];
}

function toQueueEntry({ memory, ports }: EngineContext, id: AppId): readonly QueueEntryView[] {
  const entry = memory.queue.get(id) ?? owedEntry(memory.daemons.get(id), ports.clock.now());
  if (entry === undefined) return [];
  const statistics =
    memory.daemons.get(id)?.statistics ?? memory.statistics.get(id) ?? newQueueStatistics();
  return [
    {
      appId: id,
      count: entry.count,
      sinceEpochMs: entry.sinceEpochMs,
      delayLeftMs:
        memory.daemons.get(id)?.nextInMs(ports.clock.now()) ??
        delayLeftMs(memory.backOffs.get(id), entry.app, ports.clock.now()),
      processedOffers: statistics.processed,
      unusedOffers: statistics.unused,
      ...(statistics.lastUsedEpochMs === undefined
        ? {}
        : { lastUsedOfferEpochMs: statistics.lastUsedEpochMs }),
      ...(statistics.lastUnusedEpochMs === undefined
        ? {}
        : { lastUnusedOfferEpochMs: statistics.lastUnusedEpochMs }),
      rejectLastOffers: toFunnel(statistics.last.size, lastOffersByReason(statistics)),
      rejectLaunchAttempt: toFunnel(statistics.processed, statistics.attempt),
    },
  ];
}
