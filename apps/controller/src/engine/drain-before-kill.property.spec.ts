import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type App, appId, type Instance } from '#core';
import { anApp } from '../../../../test/support/store-fixtures.js';
import { EngineHarness } from './engine-harness.test-support.js';
import { RESIDENT_FIELDS } from './resident-app.test-support.js';

const DRAIN_SECONDS = 12;
const AGENTS = ['agent-1', 'agent-2', 'agent-3'];
const IDS = ['/web', '/shop/one', '/shop/two', '/store', '/everywhere'];

const ROUTED = {
  cpus: 0.1,
  portDefinitions: [{ port: 10_000, protocol: 'tcp', labels: {} }],
  labels: { HAPROXY_GROUP: 'external', PACER_DRAIN_SECONDS: String(DRAIN_SECONDS) },
  healthChecks: [
    {
      protocol: 'HTTP',
      path: '/',
      portIndex: 0,
      gracePeriodSeconds: 1,
      intervalSeconds: 2,
      timeoutSeconds: 1,
      maxConsecutiveFailures: 2,
      delaySeconds: 0,
      ignoreHttp1xx: false,
      ipProtocol: 'IPv4',
    },
  ],
} as unknown as Partial<App>;

const KINDS: Readonly<Record<string, Partial<App>>> = {
  '/store': RESIDENT_FIELDS,
  // Served on its service port by routers that take all.
  '/shop/two': { labels: { PACER_DRAIN_SECONDS: String(DRAIN_SECONDS) } },
  '/everywhere': { workload: 'daemon' },
};

type Step =
  | { readonly kind: 'declare'; readonly app: number; readonly count: number; readonly cmd: number }
  | { readonly kind: 'remove'; readonly apps: readonly number[] }
  | { readonly kind: 'restart'; readonly app: number }
  | {
      readonly kind: 'kill';
      readonly app: number;
      readonly wipe: boolean;
      readonly force: boolean;
    }
  | { readonly kind: 'cancel'; readonly force: boolean }
  | { readonly kind: 'sicken'; readonly app: number }
  | { readonly kind: 'lose'; readonly agent: number; readonly seconds: number }
  | { readonly kind: 'take-away'; readonly agent: number; readonly inSeconds: number }
  | { readonly kind: 'crash' };

const anyApp = fc.nat({ max: IDS.length - 1 });
const anyAgent = fc.nat({ max: AGENTS.length - 1 });
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('declare' as const),
      app: anyApp,
      count: fc.integer({ min: 0, max: 3 }),
      cmd: fc.nat({ max: 2 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('remove' as const),
      apps: fc.uniqueArray(anyApp, { minLength: 1, maxLength: 3 }),
    }),
  },
  fc.record({ kind: fc.constant('restart' as const), app: anyApp }),
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('kill' as const),
      app: anyApp,
      wipe: fc.boolean(),
      force: fc.boolean(),
    }),
  },
  fc.record({ kind: fc.constant('cancel' as const), force: fc.boolean() }),
  fc.record({ kind: fc.constant('sicken' as const), app: anyApp }),
  fc.record({
    kind: fc.constant('lose' as const),
    agent: anyAgent,
    seconds: fc.integer({ min: 1, max: 6 }),
  }),
  fc.record({
    kind: fc.constant('take-away' as const),
    agent: anyAgent,
    inSeconds: fc.integer({ min: 5, max: 60 }),
  }),
  fc.record({ kind: fc.constant('crash' as const) }),
);

/** A cluster with a router that counts all the time, and every kill watched. */
class Watched {
  readonly harness = new EngineHarness(AGENTS.map((id) => ({ id, hostname: id, cpus: 20 })));
  /** Tasks that were running, by what the engine last showed of them. */
  private readonly running = new Map<string, Instance>();
  private readonly forced = new Set<string>();
  private readonly drained = new Set<string>();
  /** Running tasks nobody knows, when the router last reported. */
  private readonly strangers = new Set<string>();
  readonly wrong: string[] = [];
  private versions = 0;

  async begin(): Promise<void> {
    const { cluster } = this.harness;
    const connect = cluster.connect.bind(cluster);
    cluster.connect = (handlers, id, roles) => {
      const driver = connect(handlers, id, roles);
      return {
        ...driver,
        call: async (call) => {
          if (call.type === 'KILL') this.judge(call.kill.task_id.value);
          await driver.call(call);
        },
      };
    };
    await this.harness.start();
    for (const id of IDS) await this.declare(id, 2, 0);
    await this.pass(25);
  }

  /** A task that serves is ended when it is drained, when its time is up, or by force. */
  private judge(task: string): void {
    if (this.harness.engine.view.instanceOfTask(task as never) === undefined) {
      if (!this.strangers.has(task)) this.wrong.push(`${task} came back and no router was asked`);
      return;
    }
    const shown = this.running.get(task);
    if (shown === undefined || this.forced.has(shown.id) || this.drained.has(task)) return;
    const { draining } = this.harness.engine.view.instanceOfTask(task as never)?.instance ?? shown;
    const deadline = draining?.deadlineEpochMs ?? Number.POSITIVE_INFINITY;
    if (this.harness.clock.now().epochMs < deadline) {
      this.wrong.push(
        `${task} was killed with ${draining === undefined ? 'no draining' : 'time left'}`,
      );
    }
  }

  /** The router reports each second; every third task it has is one of those that never end, the others drain at once. */
  async pass(seconds: number): Promise<void> {
    for (let step = 0; step < seconds * 4; step += 1) {
      if (this.harness.isRunning) this.look(step % 4 === 0);
      await this.harness.clock.advance(250);
    }
  }

  private look(isReport: boolean): void {
    const { engine, cluster } = this.harness;
    for (const id of engine.view.appsWithInstances()) {
      for (const { instance } of engine.view.instancesOf(id)) {
        const isLive = instance.condition === 'Running' && instance.goal === 'Running';
        if (isLive) this.running.set(instance.taskId, instance);
        else if (instance.condition !== 'Killing') this.running.delete(instance.taskId);
      }
    }
    if (!isReport) return;
    const known = new Map(
      engine.view
        .leavingApps()
        .concat([...engine.view.root().apps.values()])
        .flatMap(({ id }) => engine.view.instancesOf(id))
        .map(({ instance }) => [instance.taskId as string, instance]),
    );
    for (const [task, instance] of known) {
      if (instance.draining !== undefined && !isEndless(task)) this.drained.add(task);
    }
    // What is drained must have been shown to the router.
    for (const { info } of cluster.running()) {
      const task = info.task_id.value;
      const instance = engine.view.instanceOfTask(task as never)?.instance;
      if (instance === undefined) this.strangers.add(task);
      if (instance?.draining !== undefined && !known.has(task)) {
        this.wrong.push(`${task} drains and no router sees it`);
      }
    }
    const drainedTasks = [...this.drained].filter((task) => known.has(task));
    const busyTasks = [...known.keys()].filter((task) => !this.drained.has(task));
    const appliedSequence = engine.view.lastEventId();
    engine.reportRouter('router-1', { appliedSequence, drainedTasks, busyTasks });
  }

  private async declare(id: string, count: number, cmd: number): Promise<void> {
    this.versions += 1;
    const version = new Date(Date.UTC(2031, 0, 1, 0, 0, this.versions)).toISOString();
    const app = anApp(id, {
      ...ROUTED,
      ...KINDS[id],
      instances: count,
      cmd: `sleep ${100 + cmd}`,
      version,
    });
    await this.harness.put(app, { force: true });
  }

  async take(step: Step): Promise<void> {
    const { harness } = this;
    const { engine, cluster } = harness;
    const ofApp = (index: number) => engine.view.instancesOf(appId(IDS[index] ?? ''));
    switch (step.kind) {
      case 'declare':
        await this.declare(IDS[step.app] ?? '', step.count, step.cmd);
        return;
      case 'remove':
        await harness.change(
          { removeApps: step.apps.map((index) => appId(IDS[index] ?? '')) },
          { force: true },
        );
        return;
      case 'restart': {
        const id = appId(IDS[step.app] ?? '');
        if (engine.view.root().apps.has(id))
          await harness.change({}, { restart: [id], force: true });
        return;
      }
      case 'kill': {
        const ids = ofApp(step.app).map(({ instance }) => instance.id);
        if (step.force) for (const id of ids) this.forced.add(id);
        await engine.killInstances(ids, { wipe: step.wipe, force: step.force });
        return;
      }
      case 'cancel':
        for (const { deployment } of engine.view.deployments()) {
          await engine.cancelDeployment(deployment.id, { force: step.force });
        }
        return;
      case 'sicken':
        for (const { instance } of ofApp(step.app)) {
          harness.prober.answer(`${instance.placement?.hostname}:${instance.hostPorts[0]}`, {
            passed: false,
          });
        }
        return;
      case 'lose':
        await this.lose(AGENTS[step.agent] ?? '', step.seconds);
        return;
      case 'take-away':
        cluster.away.add(AGENTS[step.agent] ?? '');
        cluster.askFor(AGENTS[step.agent] ?? '', step.inSeconds * 1000);
        return;
      case 'crash':
        harness.crash();
        await harness.start();
        return;
      default:
        step satisfies never;
    }
  }

  private async lose(agent: string, seconds: number): Promise<void> {
    const { cluster } = this.harness;
    const tasks = cluster.running().filter(({ agentId }) => agentId === agent);
    for (const { info } of tasks) cluster.report(info.task_id.value, 'TASK_UNREACHABLE');
    await this.pass(seconds);
    for (const { info, state } of tasks) {
      if (state === 'TASK_UNREACHABLE') cluster.report(info.task_id.value, 'TASK_RUNNING');
    }
  }
}

const isEndless = (task: string): boolean =>
  [...task].reduce((sum, character) => sum + character.charCodeAt(0), 0) % 3 === 0;

it('no instance that serves is killed before it is drained, or its time is up, but by force', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(steps, fc.integer({ min: 0, max: 8 })), { minLength: 1, maxLength: 8 }),
      async (history) => {
        const watched = new Watched();
        await watched.begin();

        for (const [step, seconds] of history) {
          await watched.take(step);
          await watched.pass(seconds);
        }
        await watched.pass(DRAIN_SECONDS + 2);

        expect(watched.wrong).toEqual([]);
        expect(watched.harness.fatal).toEqual([]);
      },
    ),
    { numRuns: 25 },
  );
}, 120_000);
