import type { App, Deployment, Instance } from '#core';
import { isOutdated } from '#deployment';
import { CommittedState } from './committed-state.js';
import { Engine, type RunningEngine } from './engine.js';
import { EngineMemory } from './engine-memory.js';
import { DEFAULT_ENGINE_OPTIONS, type EngineOptions, type EnginePorts } from './engine-ports.js';
import { rememberDeployment } from './remember-deployment.js';

/** Look-ups in the store at once while loading. */
const LOAD_CONCURRENCY = 8;

/**
 * Loads what is stored and builds an engine over it. Give it only ports: the daemon's or a simulation's. Rejects with
 * StoreUnavailableError while the database is away.
 */
export async function createControllerEngine(
  ports: EnginePorts,
  options: Partial<EngineOptions> = {},
): Promise<RunningEngine> {
  const settings: EngineOptions = { ...DEFAULT_ENGINE_OPTIONS, ...options };
  const state = CommittedState.from(await ports.store.load());
  const memory = new EngineMemory(settings.seed);
  await loadDefinitions(ports, state, memory);
  await inTurn([...state.deployments.values()], (deployment) =>
    loadOriginals(ports, memory, deployment),
  );
  return new Engine(ports, settings, state, memory);
}

/** Definitions that still run although they are no longer current. */
async function loadDefinitions(
  { store, log }: EnginePorts,
  state: CommittedState,
  memory: EngineMemory,
): Promise<void> {
  const wanted = new Map<string, Instance>();
  for (const instance of state.instances()) {
    const isCurrent = state.root.apps.get(instance.appId)?.version === instance.appVersion;
    if (!isCurrent) wanted.set(`${instance.appId} ${instance.appVersion}`, instance);
  }
  const outdated = new Map<string, App>();
  await inTurn([...wanted.values()], async ({ appId, appVersion }) => {
    const app = await store.loadAppVersion(appId, appVersion);
    if (app === undefined) {
      log?.warn(`app ${appId}: version ${appVersion} is no longer kept`);
      return;
    }
    memory.keepDefinition(app);
    const current = state.root.apps.get(appId);
    if (current === undefined || isOutdated(app.versionInfo.lastConfigChangeAt, current)) {
      outdated.set(`${appId} ${app.versionInfo.lastConfigChangeAt}`, app);
    }
  });
  await inTurn([...outdated.values()], async (app) => {
    const newest = await loadNewest(store, app);
    if (newest !== undefined) memory.keepDefinition(newest);
  });
}

/** The last definition of the configuration of `app`: what was changed in place since still holds for what runs it. */
async function loadNewest(
  store: EnginePorts['store'],
  { id, versionInfo }: App,
): Promise<App | undefined> {
  for (const version of await store.listAppVersions(id)) {
    const app = await store.loadAppVersion(id, version);
    if (app?.versionInfo.lastConfigChangeAt === versionInfo.lastConfigChangeAt) return app;
  }
  return undefined;
}

async function loadOriginals(
  { store, log }: EnginePorts,
  memory: EngineMemory,
  deployment: Deployment,
): Promise<void> {
  const root = await store.loadRevision(deployment.originalRevision);
  if (root === undefined) {
    log?.warn(`deployment ${deployment.id}: its original revision is no longer kept`);
  }
  rememberDeployment({ memory }, deployment, root, []);
}

/** Runs `work` on each item, a few at a time. */
async function inTurn<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const left = [...items];
  const worker = async (): Promise<void> => {
    for (let item = left.pop(); item !== undefined; item = left.pop()) await work(item);
  };
  await Promise.all(Array.from({ length: LOAD_CONCURRENCY }, worker));
}
