import { describe, expect, it } from 'vitest';
import { appId, deploymentId, groupId } from '#core';
import { aGroup, anApp } from '../../../../test/support/store-fixtures.js';
import { EngineHarness } from './engine-harness.test-support.js';

/** More than any agent has: a deployment with it goes on until it is stopped. */
const TOO_MUCH = { cpus: 5_000 };

const rollBack = async (harness: EngineHarness, id: string) => {
  const answer = harness.engine.cancelDeployment(deploymentId(id), { force: false });
  await harness.clock.advance(2_000);
  return answer;
};

const runningIds = (harness: EngineHarness): readonly string[] =>
  harness.engine.view.deployments().map(({ deployment }) => deployment.id);

describe('rolling a deployment back', () => {
  it('is refused when it would close a cycle of dependencies', async () => {
    const harness = new EngineHarness();
    await harness.start();
    await harness.change({ putApps: [anApp('/a', { dependencies: ['/b'] }), anApp('/b')] });
    await harness.clock.advance(2_000);
    const first = await harness.put(anApp('/a', { dependencies: [], ...TOO_MUCH }));
    await harness.put(anApp('/b', { dependencies: ['/a'] }));
    await harness.clock.advance(2_000);

    const answer = await rollBack(harness, first);

    expect(answer).toMatchObject({
      kind: 'impossible',
      reason: expect.stringContaining('dependencies form a cycle: /a -> /b -> /a'),
    });
    expect(harness.fatal).toEqual([]);
    expect(runningIds(harness)).toContain(first);
    expect(harness.engine.view.root().apps.get(appId('/a'))?.dependencies).toEqual([]);
  });

  it('is refused when an app would share its path with a group', async () => {
    const harness = new EngineHarness();
    await harness.start();
    await harness.change({ putApps: [anApp('/a'), anApp('/other')] });
    await harness.clock.advance(2_000);
    const first = await harness.change({
      removeApps: [appId('/a')],
      putApps: [anApp('/other', TOO_MUCH)],
    });
    await harness.clock.advance(2_000);
    await harness.change({ putApps: [anApp('/a/b')], putGroups: [aGroup('/a')] });
    await harness.clock.advance(2_000);

    const answer = await rollBack(harness, first);

    expect(answer).toMatchObject({
      kind: 'impossible',
      reason: expect.stringContaining("'/a' would be both"),
    });
  });

  it('is refused when another app has its route by now', async () => {
    const web = (id: string, labels: Readonly<Record<string, string>>, more: object = {}) =>
      anApp(id, {
        ...{ labels: { HAPROXY_GROUP: 'external', ...labels }, ...more },
        portDefinitions: [{ port: 0, protocol: 'tcp', labels: {} }],
      });
    const host = { HAPROXY_0_VHOST: 'shop.example', HAPROXY_0_PATH: '/api' };
    const harness = new EngineHarness();
    await harness.start();
    await harness.put(web('/old', host));
    await harness.clock.advance(2_000);
    const first = await harness.put(web('/old', {}, TOO_MUCH));
    await harness.put(web('/new', host));
    await harness.clock.advance(2_000);

    const preview = await harness.engine.previews.ofCancellation(deploymentId(first), {
      force: false,
    });
    const answer = await rollBack(harness, first);

    const reason = expect.stringContaining(
      `deployment ${first} cannot be undone: /old: host shop.example/api is already claimed by /new (labels/HAPROXY_0_VHOST)`,
    );
    expect(answer).toMatchObject({ kind: 'impossible', reason });
    expect(preview).toMatchObject({ refusal: reason });
    expect(runningIds(harness)).toContain(first);
    expect(harness.engine.view.root().apps.get(appId('/old'))?.labels).not.toHaveProperty(
      'HAPROXY_0_VHOST',
    );
  });

  it('brings back the group of an app when others removed it meanwhile', async () => {
    const harness = new EngineHarness();
    await harness.start();
    await harness.change({
      putApps: [anApp('/g/a'), anApp('/other')],
      putGroups: [aGroup('/g')],
    });
    await harness.clock.advance(2_000);
    const first = await harness.change({
      removeApps: [appId('/g/a')],
      putApps: [anApp('/other', TOO_MUCH)],
    });
    await harness.clock.advance(2_000);
    await harness.change({ removeGroups: [groupId('/g')] });

    const answer = await rollBack(harness, first);

    expect(answer).toMatchObject({ kind: 'accepted' });
    const root = harness.engine.view.root();
    expect([root.apps.has(appId('/g/a')), root.groups.has(groupId('/g'))]).toEqual([true, true]);
    expect(harness.conditions('/g/a')).toEqual(['Running']);
  });

  it('leaves a deployment alone that ended while its revisions were read', async () => {
    const harness = new EngineHarness();
    await harness.start();
    await harness.put(anApp('/a'));
    await harness.clock.advance(2_000);
    const id = await harness.put(anApp('/a', { cmd: 'sleep 2' }));
    const { loadRevision } = harness.store;
    harness.store.loadRevision = async (revision) => {
      await harness.clock.advance(5_000);
      return loadRevision.call(harness.store, revision);
    };

    const answer = await harness.engine.cancelDeployment(deploymentId(id), { force: false });

    expect(answer).toBeUndefined();
    expect(harness.engine.view.root().apps.get(appId('/a'))?.cmd).toBe('sleep 2');
    expect(runningIds(harness)).toEqual([]);
  });

  it('says so when the revisions are no longer kept', async () => {
    const harness = new EngineHarness();
    await harness.start();
    const id = await harness.put(anApp('/a', TOO_MUCH));
    harness.store.loadRevision = async () => undefined;

    const answer = await rollBack(harness, id);

    expect(answer).toMatchObject({
      kind: 'impossible',
      reason: expect.stringContaining('no longer kept'),
    });
  });

  it('stops a deployment that only finished what an earlier one left undone', async () => {
    const harness = new EngineHarness();
    await harness.start();
    await harness.put(anApp('/a'));
    await harness.clock.advance(2_000);
    const stuck = await harness.put(anApp('/a', TOO_MUCH));
    await harness.engine.cancelDeployment(deploymentId(stuck), { force: true });
    const current = harness.engine.view.root().apps.get(appId('/a'));
    const again = await harness.put(current ?? anApp('/a'));
    await harness.clock.advance(1_000);
    expect(runningIds(harness)).toEqual([again]);

    const answer = await rollBack(harness, again);

    expect(answer).toMatchObject({ kind: 'accepted' });
    expect(runningIds(harness)).toEqual([]);
  });
});
