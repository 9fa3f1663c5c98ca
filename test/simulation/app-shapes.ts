import type { App, Rollout } from '#core';
import type { SeededRandom } from '../support/seeded-random.js';
import { anApp } from '../support/store-fixtures.js';

/** What an app of the workload is; resident ones stay it, as their instances could not follow. */
export type Kind = 'service' | 'daemon' | 'job' | 'resident' | 'pod';

const STRATEGIES = [
  { minimumHealthCapacity: 1, maximumOverCapacity: 1 },
  { minimumHealthCapacity: 1, maximumOverCapacity: 0 },
  { minimumHealthCapacity: 0.5, maximumOverCapacity: 0 },
  { minimumHealthCapacity: 0.5, maximumOverCapacity: 0.2 },
  { minimumHealthCapacity: 0, maximumOverCapacity: 0 },
];
/** What is reserved cannot exist twice. */
const RESIDENT_STRATEGIES = STRATEGIES.filter(
  ({ maximumOverCapacity }) => maximumOverCapacity === 0,
);
const UNREACHABLE = [
  { inactiveAfterSeconds: 0, expungeAfterSeconds: 0 },
  { inactiveAfterSeconds: 5, expungeAfterSeconds: 20 },
  { inactiveAfterSeconds: 0, expungeAfterSeconds: 60 },
];
const RULES = [
  ['hostname', 'MAX_PER', '2'],
  ['hostname', 'GROUP_BY', '3'],
  ['hostname', 'UNLIKE', 'agent-3'],
] as const;
export const MAX_INSTANCES = 4;

/** Draws definitions of apps, first ones and others of the same app. */
export class AppShapes {
  constructor(
    private readonly random: SeededRandom,
    /** Nothing fails: nothing is declared that gives up by itself either. */
    private readonly isGentle: boolean,
  ) {}

  first(name: string, kind: Kind, dependencies: readonly string[]): App {
    const { random } = this;
    const check = kind === 'job' ? undefined : this.check();
    const ports = random.integer(check === undefined ? 0 : 1, 2);
    return this.ofKind(kind, {
      ...anApp(name, {
        instances: this.instances(kind),
        cpus: random.pick([0.1, 0.25, 0.5]),
        mem: random.pick([32, 64, 128]),
        portDefinitions: Array.from({ length: ports }, () => ({
          ...{ port: 0, protocol: 'tcp', labels: {} },
        })),
        healthChecks: check === undefined ? [] : [healthCheck(check)],
        killSelection: random.pick(['YOUNGEST_FIRST', 'OLDEST_FIRST'] as const),
        maxLaunchDelaySeconds: 20,
        unreachableStrategy: random.pick(UNREACHABLE),
        dependencies,
        ...(random.chance(0.3) ? { constraints: [random.pick(RULES)] } : {}),
        ...this.rollout(kind),
      }),
    });
  }

  instances(kind: Kind): number {
    if (kind === 'daemon') return 1;
    return this.random.integer(0, kind === 'resident' ? 2 : MAX_INSTANCES);
  }

  /** Another configuration, which needs other instances; sometimes another count or rollout with it. */
  upgraded(app: App, revision: number): App {
    const { random } = this;
    const kind = kindOf(app);
    const isMoved = kind === 'service' && random.chance(0.15);
    const next = isMoved ? random.pick(['daemon', 'job'] as const) : kind;
    const { rollout: _rollout, workload: _workload, maxRetries: _retries, ...kept } = app;
    const isFixed = kind === 'resident' || kind === 'pod';
    const changed: App = {
      ...kept,
      ...(isFixed ? {} : { cpus: random.pick([0.1, 0.25, 0.5]) }),
      env: { REVISION: String(revision) },
      instances: random.chance(0.3) ? this.instances(kind) : app.instances,
      ...this.rollout(next),
    };
    const isBack = (kind === 'daemon' || kind === 'job') && random.chance(0.15);
    return this.ofKind(isBack ? 'service' : next, changed);
  }

  /** What runs stays as it is. */
  edited(app: App, revision: number): App {
    const { random } = this;
    const { rollout: _rollout, ...kept } = app;
    const kind = kindOf(app);
    return {
      ...(random.chance(0.5) ? { ...kept, ...this.rollout(kind) } : app),
      labels: { revision: String(revision) },
      upgradeStrategy: random.pick(kind === 'resident' ? RESIDENT_STRATEGIES : STRATEGIES),
      killSelection: random.pick(['YOUNGEST_FIRST', 'OLDEST_FIRST'] as const),
      backoffSeconds: random.pick([1, 3]),
    };
  }

  private ofKind(kind: Kind, app: App): App {
    const { random } = this;
    switch (kind) {
      case 'service':
        return { ...app, upgradeStrategy: random.pick(STRATEGIES) };
      case 'daemon':
        return { ...app, workload: 'daemon', instances: 1, constraints: withoutGroups(app) };
      case 'job':
        return {
          ...{ ...app, workload: 'job', healthChecks: [], maxRetries: random.integer(0, 3) },
        };
      case 'resident':
        return {
          ...app,
          role: 'db',
          container: { type: 'MESOS', volumes: [VOLUME] },
          residency: { relaunchEscalationTimeoutSeconds: 3_600, taskLostBehavior: 'WAIT_FOREVER' },
          unreachableStrategy: 'disabled',
          constraints: [],
          upgradeStrategy: random.pick(RESIDENT_STRATEGIES),
        };
      case 'pod':
        return app;
      default:
        return kind satisfies never;
    }
  }

  private check(): 'MESOS_HTTP' | 'HTTP' | undefined {
    const drawn = this.random.next();
    if (drawn < 0.4) return 'MESOS_HTTP';
    return drawn < 0.58 ? 'HTTP' : undefined;
  }

  private rollout(kind: Kind): Pick<App, 'rollout'> {
    const { random, isGentle } = this;
    if (random.chance(0.4)) return {};
    const isStaged = kind === 'service' || kind === 'resident';
    const back = random.pick(['yes', 'yes', 'no', 'unsaid'] as const);
    const rollout: Rollout = {
      ...(random.chance(0.4) && !isGentle
        ? { deadlineSeconds: random.pick([3, 10, 30, 120]) }
        : {}),
      ...(random.chance(0.4) ? { maxFailures: random.integer(0, 2) } : {}),
      ...(back === 'unsaid' ? {} : { autoRollback: back === 'yes' }),
      ...(isStaged && random.chance(0.4)
        ? { batches: random.pick([[1], [1, 1], [2], [1, 2]]), pauseAfterBatch: random.chance(0.5) }
        : {}),
      ...(isStaged && kind === 'service' && random.chance(0.3)
        ? { canary: { instances: random.integer(1, 2) } }
        : {}),
    };
    return Object.keys(rollout).length === 0 ? {} : { rollout };
  }
}

export function kindOf(app: App): Kind {
  if (app.pod !== undefined) return 'pod';
  if (app.residency !== undefined) return 'resident';
  return app.workload ?? 'service';
}

const VOLUME = {
  ...{ containerPath: 'data', mode: 'RW' as const },
  persistent: { size: 64, type: 'root' },
};

/** A daemon goes to every agent that its rules allow. */
const withoutGroups = (app: App): App['constraints'] =>
  app.constraints.filter(([, operator]) => operator !== 'GROUP_BY');

const healthCheck = (protocol: 'HTTP' | 'MESOS_HTTP'): App['healthChecks'][number] => ({
  protocol,
  path: '/',
  portIndex: 0,
  gracePeriodSeconds: 10,
  intervalSeconds: 2,
  timeoutSeconds: 1,
  maxConsecutiveFailures: 2,
  delaySeconds: 0,
  ignoreHttp1xx: false,
  ipProtocol: 'IPv4',
});
