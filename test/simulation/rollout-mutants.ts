import {
  type App,
  type ControllerSnapshot,
  type ControllerStore,
  type Deployment,
  SortedMap,
  type StoreChange,
} from '#core';
import type { Mutant } from './mutants.js';

/** Bugs of controllers about deployments, jobs, daemons and volumes, and one of agents each for what is theirs. */
export const ROLLOUT_MUTANTS: Readonly<Record<string, Mutant>> = {
  'a controller that forgets after a fail-over that a deployment is paused': {
    breaks: /nobody told it: resume|may be \(nothing\)/,
    wrapStore: onLoad(ofDeployments(({ pause: _pause, ...rest }) => rest)),
  },
  'a controller that answers a pause which is not stored': {
    breaks: /told to be paused, and is not stored/,
    wrapStore: onCommit((change) => {
      if (change.kind !== 'put-deployment') return change;
      const { pause: _pause, ...deployment } = change.deployment;
      return { ...change, deployment };
    }),
  },
  'a controller that takes all canaries for promoted after a fail-over': {
    breaks: /nobody told it: promote/,
    wrapStore: onLoad(
      ofDeployments((deployment) => ({
        ...deployment,
        progress: Object.fromEntries(
          Object.entries(deployment.progress ?? {}).map(([app, progress]) => [
            app,
            { ...progress, isPromoted: true },
          ]),
        ),
      })),
    ),
  },
  'a controller that knows nothing of canaries and batches after a fail-over': {
    breaks: /canaries are not promoted|old ones are left in a batch|are new and/,
    wrapStore: onLoad(ofApps(({ rollout: _rollout, ...app }) => app)),
  },
  'a controller that forgets how many instances have failed': {
    breaks: /failures after/,
    wrapStore: onLoad(ofDeployments((deployment) => ({ ...deployment, failures: 0 }))),
  },
  'a controller that takes time before a fail-over for much longer': {
    breaks: /fails for no good reason/,
    wrapStore: onLoad(
      ofDeployments(({ deadlineEpochMs, ...rest }) =>
        deadlineEpochMs === undefined
          ? rest
          : { ...rest, deadlineEpochMs: deadlineEpochMs - 3_600_000 },
      ),
    ),
  },
  'a controller that forgets what is to be undone when it fails': {
    breaks: /nothing undoes it/,
    wrapStore: onLoad(
      ofDeployments(({ limits, ...rest }) =>
        limits === undefined ? rest : { ...rest, limits: { ...limits, autoRollback: false } },
      ),
    ),
  },
  'a rollback that brings back another definition': {
    breaks: /is undone by/,
    wrapStore: onTransaction((changes) => {
      const isRollback = changes.some(
        (change) => change.kind === 'put-deployment' && change.deployment.rollbackOf !== undefined,
      );
      return !isRollback
        ? changes
        : changes.map((change) =>
            change.kind === 'put-revision'
              ? { ...change, putApps: change.putApps.map((app) => ({ ...app, mem: 48 })) }
              : change,
          );
    }),
  },
  'a controller that forgets running deployments': {
    breaks: /does not say for what|not as declared after .* deployment/,
    wrapStore: onLoad((snapshot) => ({ ...snapshot, deployments: [] })),
  },
  'a controller that does not say what a deployment waits for': {
    breaks: /does not say for what/,
    wrapEngine: (engine) => {
      const deployments = engine.view.deployments.bind(engine.view);
      const silent = () => deployments().map((one) => ({ ...one, waitingFor: [] }));
      Object.assign(engine.view, { deployments: silent });
      return engine;
    },
  },
  'a controller that counts on no minimum': {
    breaks: /serve and at least/,
    ...withOtherStrategy((strategy) => ({ ...strategy, minimumHealthCapacity: 0 })),
  },
  'a controller that knows no maximum': {
    breaks: /exist and at most/,
    wrapStore: onLoad(
      ofApps((app) => ({
        ...app,
        upgradeStrategy: { ...app.upgradeStrategy, maximumOverCapacity: 5 },
      })),
    ),
  },
  'a controller that takes a deployment for done when all of it has begun': {
    breaks: /has succeeded, and/,
    wrapStore: onCommit((change) => {
      if (change.kind !== 'put-deployment') return change;
      const { underWay = [], affectedApps } = change.deployment;
      if (underWay.length < affectedApps.length) return change;
      return { ...change, deployment: { ...change.deployment, state: 'Succeeded' } };
    }),
  },
  'a controller that begins all it is to do after a fail-over': {
    breaks: /is launched in step|not before it/,
    wrapStore: onLoad(
      ofDeployments((deployment) => ({ ...deployment, underWay: deployment.affectedApps })),
    ),
  },
  'a controller that ignores rules of placement after a fail-over': {
    breaks: /against (?:MAX_PER|UNLIKE)/,
    wrapStore: onLoad(ofApps((app) => ({ ...app, constraints: [] }))),
  },
  'a controller that forgets instances of daemons': {
    breaks: /another one of the daemon/,
    wrapStore: onLoad((snapshot) => ({
      ...snapshot,
      instances: snapshot.instances.filter(
        ({ appId }) => snapshot.root.apps.get(appId)?.workload !== 'daemon',
      ),
    })),
  },
  'a controller that does not count what a job has finished': {
    breaks: /counts .* more/,
    wrapStore: onCommit((change) =>
      change.kind === 'put-job'
        ? { ...change, progress: { ...change.progress, completed: 0 } }
        : change,
    ),
  },
  'a controller that runs a job again after a fail-over': {
    breaks: /completed and .* failed after/,
    wrapStore: onLoad((snapshot) => ({ ...snapshot, jobs: [] })),
  },
  'an agent whose volumes are empty when it is started again': {
    breaks: /which was made anew/,
    wrapVolumes: (volumes) => {
      volumes.directories.clear();
      return Object.assign(Object.create(volumes) as typeof volumes, {
        attach: volumes.make.bind(volumes),
        open: async () => [],
      });
    },
  },
  'an agent that tells the end of a task before it has ended': {
    breaks: /which .* uses/,
    wrapLauncher: (launcher) => {
      const listeners: Parameters<typeof launcher.onExit>[0][] = [];
      return new Proxy(launcher, {
        get: (target, key) => {
          if (key === 'onExit') {
            return (listener: (typeof listeners)[number]) => {
              listeners.push(listener);
              return target.onExit(listener);
            };
          }
          if (key === 'kill') {
            return async (run: Parameters<typeof target.kill>[0]) => {
              const status = { kind: 'signalled', signal: 15 } as const;
              for (const listener of listeners) listener({ run, status, oomKilled: false });
            };
          }
          const value: unknown = Reflect.get(target, key, target);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
    },
  },
};

/** What is decided by goes by another strategy than what is stored. */
function withOtherStrategy(
  edit: (strategy: App['upgradeStrategy']) => App['upgradeStrategy'],
): Mutant {
  const declared = new Map<string, App['upgradeStrategy']>();
  return {
    wrapEngine: (engine) => {
      const changeRoot = engine.changeRoot.bind(engine);
      const changeOther: typeof changeRoot = (change) =>
        changeRoot({
          ...change,
          apply: (root, version) => {
            const delta = change.apply(root, version);
            for (const { id, upgradeStrategy } of delta.putApps) declared.set(id, upgradeStrategy);
            const putApps = delta.putApps.map((app) => ({
              ...app,
              upgradeStrategy: edit(app.upgradeStrategy),
            }));
            return { ...delta, putApps };
          },
        });
      return Object.assign(engine, { changeRoot: changeOther });
    },
    wrapStore: onCommit((change) =>
      change.kind === 'put-revision'
        ? {
            ...change,
            putApps: change.putApps.map((app) => ({
              ...app,
              upgradeStrategy: declared.get(app.id) ?? app.upgradeStrategy,
            })),
          }
        : change,
    ),
  };
}

type Wrap = NonNullable<Mutant['wrapStore']>;
type Edit = (snapshot: ControllerSnapshot) => ControllerSnapshot;

/** What a controller finds when it begins to lead. */
function onLoad(edit: Edit): Wrap {
  return (store) => override(store, { load: async () => edit(await store.load()) });
}

function onTransaction(edit: (changes: readonly StoreChange[]) => readonly StoreChange[]): Wrap {
  return (store) =>
    override(store, { commit: (lease, changes) => store.commit(lease, edit(changes)) });
}

function onCommit(edit: (change: StoreChange) => StoreChange): Wrap {
  return onTransaction((changes) => changes.map(edit));
}

function ofDeployments(edit: (deployment: Deployment) => Deployment): Edit {
  return (snapshot) => ({ ...snapshot, deployments: snapshot.deployments.map(edit) });
}

function ofApps(edit: (app: App) => App): Edit {
  return (snapshot) => {
    const apps = SortedMap.from(
      [...snapshot.root.apps].map(([id, app]) => [id, edit(app)] as const),
    );
    return { ...snapshot, root: { ...snapshot.root, apps } };
  };
}

const override = (store: ControllerStore, methods: Partial<ControllerStore>): ControllerStore =>
  new Proxy(store, {
    get: (target, key) => {
      const own: unknown = Reflect.get(methods, key);
      const value: unknown = own ?? Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(own === undefined ? target : methods) : value;
    },
  });
