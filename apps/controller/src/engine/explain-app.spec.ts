import { describe, expect, it } from 'vitest';
import { type App, appId, StoreUnavailableError } from '#core';
import { describeChange } from '#matcher';
import { anApp } from '../../../../test/support/store-fixtures.js';
import { EngineHarness } from './engine-harness.test-support.js';

const AGENTS = [
  { id: 'agent-1', hostname: 'host-1', cpus: 1 },
  { id: 'agent-2', hostname: 'host-2', cpus: 0.5 },
];

async function anEngine(agents = AGENTS) {
  const harness = new EngineHarness(agents);
  await harness.start();
  return harness;
}

async function withApp(id: string, fields: Partial<App>, agents = AGENTS) {
  const harness = await anEngine(agents);
  await harness.put(anApp(id, fields));
  await harness.clock.advance(1_000);
  return harness;
}

const explain = ({ engine }: EngineHarness, id: string) => engine.view.explain(appId(id));
const wordsOf = (harness: EngineHarness, id: string): string =>
  (explain(harness, id)?.waitingFor ?? []).join('\n');

describe('why an app waits', () => {
  it('counts the reasons of each agent by its last offer, and tries what would help', async () => {
    const harness = await withApp('/big', { cpus: 2 });

    const explanation = explain(harness, '/big');

    const [group] = explanation?.groups ?? [];
    expect(group?.count).toBe(1);
    expect(group?.explanation.reasons.filter(({ agents }) => agents > 0)).toEqual([
      { reason: 'InsufficientCpus', agents: 2, alone: 2, example: 'needs 2 cpus, 1 are left' },
    ]);
    expect(
      group?.explanation.suggestions.map(({ changes }) => changes.map(describeChange)),
    ).toEqual([['cpus 2 -> 1']]);
    expect(explanation?.waitingFor[0]).toMatch(
      /^1 instance waits for an offer: of 2 agents 2 refuse for InsufficientCpus; nearest: needs 2 cpus, 1 are left on host-1; the newest offer is \d+ s old$/,
    );
    expect(explanation?.deployment?.affectedApps).toEqual(['/big']);
  });

  it('places the instance once the change it suggests is made', async () => {
    const harness = await withApp('/big', { cpus: 2 });

    await harness.put(anApp('/big', { cpus: 1 }), { force: true });
    await harness.clock.advance(1_000);

    expect(harness.conditions('/big')).toEqual(['Running']);
    expect(explain(harness, '/big')).toMatchObject({ wanted: 1, waitingFor: [], groups: [] });
  });

  it('says first what holds its deployment', async () => {
    const rollout = { canary: { instances: 1 } };
    const harness = await withApp('/held', { cpus: 0.1, rollout });
    await harness.put(anApp('/held', { cpus: 0.1, rollout, cmd: 'new' }));
    await harness.clock.advance(2_000);

    const [first] = explain(harness, '/held')?.waitingFor ?? [];

    expect(first).toMatch(
      /^\/held: waits for promotion of its canaries since .*: promote or abort$/,
    );
  });

  it('says that the database is away, of what only is to be stored too', async () => {
    const harness = await withApp('/web', { cpus: 0.1 });
    const id = await harness.put(anApp('/web', { cpus: 0.1, cmd: 'new' }));
    const away = 'the database is away: nothing begins, and nothing ends, until it is back';

    while (!harness.conditions('/web').includes('Killing')) await harness.clock.advance(1);
    harness.store.commit = () => Promise.reject(new StoreUnavailableError('away'));
    harness.store.settle = () => Promise.reject(new StoreUnavailableError('away'));
    await harness.clock.advance(30_000);

    expect(explain(harness, '/web')?.waitingFor[0]).toBe(away);
    const [view] = harness.engine.view.deployments();
    expect(view?.deployment.id).toBe(id);
    expect(view?.waitingFor[0]).toBe(away);
  });

  it('asks nobody to free a port for the app that has it', async () => {
    const ports = {
      requirePorts: true,
      portDefinitions: [{ port: 31_777, protocol: 'tcp', labels: {} }],
    };
    const harness = await withApp(
      '/twice',
      { cpus: 0.1, instances: 2, ...ports },
      AGENTS.slice(0, 1),
    );

    const [group] = explain(harness, '/twice')?.groups ?? [];

    const suggested = group?.explanation.suggestions.flatMap(({ changes }) => changes);
    expect(suggested?.map(({ kind }) => kind)).not.toContain('port-freed');
  });

  it('keeps what launches left of an agent that offers nothing any more', async () => {
    const harness = await withApp('/full', { cpus: 1 }, AGENTS.slice(0, 1));

    await harness.put(anApp('/late', { cpus: 0.5 }));
    await harness.clock.advance(120_000);

    const [group] = explain(harness, '/late')?.groups ?? [];
    expect(group?.explanation.nearest?.refusals).toMatchObject([
      { reason: 'InsufficientCpus', detail: 'needs 0.5 cpus, 0 are left' },
    ]);
    expect(wordsOf(harness, '/late')).toMatch(/the newest offer is 1\d\d s old/);
  });

  it('names the task of ours that has a fixed port', async () => {
    const ports = {
      requirePorts: true,
      portDefinitions: [{ port: 31_500, protocol: 'tcp', labels: {} }],
    };
    const harness = await withApp('/first', ports, AGENTS.slice(0, 1));
    await harness.put(anApp('/second', ports));
    await harness.clock.advance(1_000);

    const [group] = explain(harness, '/second')?.groups ?? [];

    const words = group?.explanation.suggestions.flatMap(({ changes }) =>
      changes.map(describeChange),
    );
    expect(words).toHaveLength(2);
    expect(words?.[0]).toBe('requirePorts true -> false');
    expect(words?.[1]).toMatch(/^free port 31500 on host-1, which first\.instance-.* has$/);
  });

  it('lists the offers an app did not use, newest first and as many as asked for', async () => {
    const harness = await withApp('/big', {
      cpus: 2,
      constraints: [['hostname', 'LIKE', 'host-1']],
    });
    const { view } = harness.engine;

    const unused = view.unusedOffers(appId('/big'), 10);

    const byHost = new Map(unused.map(({ offer, reasons }) => [offer.hostname, reasons]));
    expect([...byHost].sort()).toEqual([
      ['host-1', ['InsufficientCpus']],
      ['host-2', ['UnfulfilledConstraint', 'InsufficientCpus']],
    ]);
    expect(view.unusedOffers(appId('/big'), 1)).toHaveLength(1);
    expect(view.unusedOffers(appId('/nobody'), 1)).toEqual([]);
  });

  it('tells of a back-off with the seconds left and the failure', async () => {
    const harness = await withApp('/web', { backoffSeconds: 100 });
    const [task] = harness.cluster.running();

    harness.cluster.report(task?.info.task_id.value ?? '', 'TASK_FAILED', { message: 'exit 3' });
    await harness.clock.advance(1_000);

    expect(wordsOf(harness, '/web')).toMatch(
      /^1 instance waits to be launched: launches are delayed for 99\.\d s after failures, the last: TASK_FAILED exit 3\n/,
    );
  });

  it('tells of the dependency that has to serve first, and of what that one waits for', async () => {
    const harness = await anEngine();
    await harness.change({
      putApps: [anApp('/db', { cpus: 2 }), anApp('/web', { dependencies: ['/db'] })],
    });
    await harness.clock.advance(1_000);

    expect(wordsOf(harness, '/web')).toMatch(
      /^its turn in deployment \S+, step 3 of 3, has not come: it depends on \/db: this deployment is not done with it yet\n\/db: 0 of 1 instances are running/,
    );
  });

  it('tells of the maximum capacity in a deployment', async () => {
    const upgradeStrategy = { minimumHealthCapacity: 1, maximumOverCapacity: 0.5 };
    const harness = await withApp('/web', { instances: 2, upgradeStrategy });

    await harness.put(anApp('/web', { instances: 2, upgradeStrategy, cpus: 0.3 }));
    await harness.clock.advance(25);

    expect(wordsOf(harness, '/web')).toContain('at most 3 instances may exist at once and 3 do');
  });

  it('tells outside of a deployment what is on its way out', async () => {
    const harness = await withApp('/web', { instances: 2 });
    const [first] = harness.engine.view.instancesOf(appId('/web'));

    const killed = harness.engine.killInstances(first ? [first.instance.id] : [], { wipe: false });
    await harness.clock.advance(10);

    expect(wordsOf(harness, '/web')).toContain('1 instances are being killed');
    await harness.clock.advance(1_000);
    await killed;
    expect(wordsOf(harness, '/web')).toBe('');
  });

  it('waits for nothing with all instances, and knows nothing of what was never declared', async () => {
    const harness = await withApp('/web', { instances: 2 });

    expect(explain(harness, '/web')).toMatchObject({ wanted: 2, waitingFor: [], groups: [] });
    expect(explain(harness, '/web')?.byCondition).toEqual(new Map([['Running', 2]]));
    expect(explain(harness, '/nobody')).toBeUndefined();
  });
});
