import { describe, expect, it } from 'vitest';
import {
  appId,
  type ControllerStore,
  deploymentId,
  FencedError,
  groupId,
  instanceId,
  type Lease,
  type StoreChange,
} from '#core';
import { keepsCertificates } from './certificates.contract.js';
import { aDeployment, aGroup, anApp, anEvent, anInstance } from './store-fixtures.js';

/** A store under test, empty, with a lease that stands and a way to have it taken by another. */
export interface ControllerStoreSubject {
  readonly store: ControllerStore;
  readonly lease: Lease;
  readonly depose: () => Promise<void>;
  /** Begins a commit whose connection breaks while the server makes it durable. `finish` lets the server go on. */
  readonly breakCommit: (
    changes: readonly StoreChange[],
  ) => Promise<{ readonly finish: () => Promise<void> }>;
}

const revision = (
  number: number,
  change: Partial<Extract<StoreChange, { readonly kind: 'put-revision' }>>,
): StoreChange => ({
  kind: 'put-revision',
  revision: number,
  version: `v${number}`,
  putApps: [],
  removeApps: [],
  putGroups: [],
  removeGroups: [],
  ...change,
});

/** What every {@link ControllerStore} must do. */
export function controllerStoreContract(
  name: string,
  prepare: () => Promise<ControllerStoreSubject>,
): void {
  describe(`${name}: the controller's store`, () => {
    it('is an empty root group at first', async () => {
      const { store } = await prepare();

      const snapshot = await store.load();

      expect(snapshot.root.revision).toBe(0);
      expect([...snapshot.root.groups.keys()]).toEqual(['/']);
      expect(snapshot).toMatchObject({ instances: [], deployments: [], lastEventId: 0 });
    });

    it('gives back an app member by member, in the order and with every character written', async () => {
      const { store, lease } = await prepare();
      const app = anApp('/web', {
        env: { z: '1', a: "quote ' and \\ and \u0000", ü: '\ud83d\ude00' },
        labels: { b: '', a: 'line\nbreak' },
      });

      await store.commit(lease, [revision(1, { putApps: [app] })]);
      const { root } = await store.load();

      expect(root.apps.get(app.id)).toEqual(app);
      expect(Object.keys(root.apps.get(app.id)?.env ?? {})).toEqual(['z', 'a', 'ü']);
    });

    it('shows each revision as it was', async () => {
      const { store, lease } = await prepare();
      const old = anApp('/web', { version: 'a1' });
      const changed = anApp('/web', { version: 'a2', cmd: 'sleep 2' });

      await store.commit(lease, [
        revision(1, { putApps: [old, anApp('/db')], putGroups: [aGroup('/'), aGroup('/g')] }),
      ]);
      await store.commit(lease, [
        revision(2, {
          putApps: [changed],
          removeApps: [appId('/db')],
          removeGroups: [groupId('/g')],
        }),
      ]);
      const first = await store.loadRevision(1);
      const { root } = await store.load();

      expect([...(first?.apps.keys() ?? [])].sort()).toEqual(['/db', '/web']);
      expect(first?.apps.get(appId('/web'))).toEqual(old);
      expect([...(first?.groups.keys() ?? [])].sort()).toEqual(['/', '/g']);
      expect(root).toMatchObject({ revision: 2, version: 'v2' });
      expect([...root.apps]).toEqual([[appId('/web'), changed]]);
      expect([...root.groups.keys()]).toEqual(['/']);
      expect(await store.loadRevision(3)).toBeUndefined();
    });

    it('shows each revision as it was when one commit holds several', async () => {
      const { store, lease } = await prepare();
      const web = appId('/web');
      const webAt = (version: string) => anApp('/web', { version });
      await store.commit(lease, [
        revision(1, { putApps: [webAt('a1')], putGroups: [aGroup('/')] }),
      ]);

      const changes = [
        revision(2, { putApps: [webAt('a2'), anApp('/db')], putGroups: [aGroup('/g')] }),
        revision(3, { putApps: [webAt('a3')], removeGroups: [groupId('/g')] }),
        revision(4, { removeApps: [web] }),
        revision(5, { putApps: [webAt('a5')], putGroups: [aGroup('/g')] }),
      ];
      await store.commit(lease, changes);
      await store.commit(lease, changes);

      const seen = await Promise.all([1, 2, 3, 4, 5].map((number) => store.loadRevision(number)));
      expect(seen.map((root) => root?.apps.get(web)?.version)).toEqual([
        ...['a1', 'a2', 'a3'],
        undefined,
        'a5',
      ]);
      expect(seen.map((root) => root?.groups.has(groupId('/g')))).toEqual([
        ...[false, true, false],
        ...[false, true],
      ]);
      expect(seen.map((root) => root?.apps.has(appId('/db')))).toEqual([
        false,
        ...[true, true, true, true],
      ]);
      expect((await store.load()).root.apps.get(web)?.version).toBe('a5');
      expect(await store.listAppVersions(web)).toEqual(['a5', 'a3', 'a2', 'a1']);
    });

    it('lists the versions of an app, of the root and of a group while it is there, newest first', async () => {
      const { store, lease } = await prepare();
      const shop = groupId('/shop');
      const ofGroup = [{}, { putGroups: [aGroup(shop)] }, { removeGroups: [shop] }];

      for (const [index, changes] of ofGroup.entries()) {
        const app = anApp('/web', { version: `a${index + 1}`, instances: index + 1 });
        await store.commit(lease, [revision(index + 1, { putApps: [app], ...changes })]);
      }

      expect(await store.listAppVersions(appId('/web'))).toEqual(['a3', 'a2', 'a1']);
      expect((await store.loadAppVersion(appId('/web'), 'a2'))?.instances).toBe(2);
      expect(await store.loadAppVersion(appId('/web'), 'a9')).toBeUndefined();
      expect(await store.listGroupVersions(groupId('/'))).toEqual(['v3', 'v2', 'v1']);
      expect(await store.listGroupVersions(shop)).toEqual(['v2']);
      expect((await store.loadGroupVersion('v1'))?.apps.get(appId('/web'))?.instances).toBe(1);
      expect(await store.loadGroupVersion('v9')).toBeUndefined();
    });

    it('may be given the same commit twice', async () => {
      const { store, lease } = await prepare();
      const changes: StoreChange[] = [
        revision(1, { putApps: [anApp('/web')], putGroups: [aGroup('/')] }),
        { kind: 'put-instances', instances: [anInstance('i1')] },
        { kind: 'append-events', events: [anEvent(1)] },
      ];

      await store.commit(lease, changes);
      await store.commit(lease, changes);

      expect(await store.listAppVersions(appId('/web'))).toHaveLength(1);
      expect((await store.listEvents(0, 10)).events).toEqual([anEvent(1)]);
    });

    it('takes the last word on an instance within one commit', async () => {
      const { store, lease } = await prepare();

      await store.commit(lease, [
        { kind: 'put-instances', instances: [anInstance('i1'), anInstance('i2')] },
        { kind: 'delete-instances', ids: [instanceId('i1'), instanceId('i2')] },
        { kind: 'put-instances', instances: [anInstance('i2', { condition: 'Running' })] },
      ]);
      const { instances } = await store.load();

      expect(instances).toEqual([anInstance('i2', { condition: 'Running' })]);
    });

    it('keeps finished deployments apart from running ones', async () => {
      const { store, lease } = await prepare();
      const done = (id: string, finishedAtEpochMs: number) =>
        aDeployment(id, { state: 'Succeeded', finishedAtEpochMs });

      await store.commit(lease, [
        { kind: 'put-deployment', deployment: aDeployment('d1') },
        { kind: 'put-deployment', deployment: aDeployment('d2') },
        { kind: 'put-deployment', deployment: done('d3', 3) },
      ]);
      await store.commit(lease, [{ kind: 'put-deployment', deployment: done('d1', 9) }]);

      expect((await store.load()).deployments).toEqual([aDeployment('d2')]);
      expect((await store.listFinishedDeployments(10)).map(({ id }) => id)).toEqual(['d1', 'd3']);
      expect(await store.listFinishedDeployments(1)).toEqual([done('d1', 9)]);
      expect(await store.loadDeployment(deploymentId('d3'))).toEqual(done('d3', 3));
      expect(await store.loadDeployment(deploymentId('d9'))).toBeUndefined();
    });

    it('keeps the first 1,000 events of a deployment and counts the others', async () => {
      const { store, lease } = await prepare();
      const id = deploymentId('d1');
      const happened = (from: number, count: number): StoreChange => ({
        kind: 'append-history',
        deploymentId: id,
        after: from,
        events: Array.from({ length: count }, (_, index) => ({
          kind: 'launched',
          atEpochMs: from + index,
          instance: instanceId(`i${from + index}`),
          message: 'line\nbreak \u0000',
        })),
      });
      await store.commit(lease, [
        { kind: 'put-deployment', deployment: aDeployment('d1') },
        happened(0, 2),
      ]);

      await store.commit(lease, [happened(2, 1)]);
      await store.commit(lease, [happened(2, 1)]);
      const few = await store.loadHistory(id);
      const { historyLengths } = await store.load();
      await store.commit(lease, [happened(3, 996), happened(999, 6)]);
      const many = await store.loadHistory(id);

      expect(few.events.map(({ instance }) => instance)).toEqual(['i0', 'i1', 'i2']);
      expect(few).toMatchObject({
        omitted: 0,
        events: [{ message: 'line\nbreak \u0000' }, {}, {}],
      });
      expect([...historyLengths]).toEqual([[id, 3]]);
      expect([many.events.length, many.events.at(-1)?.atEpochMs, many.omitted]).toEqual([
        1_000, 999, 5,
      ]);
      expect((await store.load()).historyLengths.get(id)).toBe(1_005);
      expect(await store.loadHistory(deploymentId('d9'))).toEqual({ events: [], omitted: 0 });
    });

    it('loads a deployment as older versions stored it', async () => {
      const { store, lease } = await prepare();

      await store.commit(lease, [{ kind: 'put-deployment', deployment: aDeployment('d1') }]);
      const { deployments, historyLengths } = await store.load();

      expect(deployments).toEqual([aDeployment('d1')]);
      expect(historyLengths.size).toBe(0);
    });

    it('remembers the framework id and the last failure of an app', async () => {
      const { store, lease } = await prepare();
      const failure = {
        appId: appId('/web'),
        taskId: anInstance('i1').taskId,
        host: 'h',
        state: 'TASK_FAILED',
        message: 'exit 1',
        version: 'v',
        timestampEpochMs: 3,
      };

      await store.commit(lease, [
        { kind: 'put-framework-id', frameworkId: 'f-1' },
        { kind: 'put-task-failure', failure: { ...failure, message: 'older' } },
        { kind: 'put-task-failure', failure },
      ]);

      expect(await store.load()).toMatchObject({ frameworkId: 'f-1', failures: [failure] });
    });

    it('keeps how far a job has come until it is deleted', async () => {
      const { store, lease } = await prepare();
      const progress = { appId: appId('/job'), run: 'v', completed: 1, failed: 0, retries: [] };
      const other = { ...progress, appId: appId('/other') };

      await store.commit(lease, [
        { kind: 'put-job', progress },
        { kind: 'put-job', progress: other },
      ]);
      await store.commit(lease, [
        { kind: 'put-job', progress: { ...progress, completed: 2, retries: [0, 1] } },
        { kind: 'delete-job', app: other.appId },
      ]);

      expect((await store.load()).jobs).toEqual([{ ...progress, completed: 2, retries: [0, 1] }]);
    });

    keepsCertificates(prepare);
    it('forgets the framework id', async () => {
      const { store, lease } = await prepare();
      await store.commit(lease, [{ kind: 'put-framework-id', frameworkId: 'f-1' }]);

      await store.commit(lease, [{ kind: 'delete-framework-id' }]);

      expect((await store.load()).frameworkId).toBeUndefined();
    });

    it('replays events after an id, in order', async () => {
      const { store, lease } = await prepare();
      const tricky = anEvent(3, { payload: JSON.stringify({ text: '\u0000 \n "' }) });

      await store.commit(lease, [
        { kind: 'append-events', events: [anEvent(1), anEvent(2)] },
        { kind: 'append-events', events: [tricky] },
      ]);

      expect(await store.listEvents(1, 10)).toEqual({
        events: [anEvent(2), tricky],
        complete: true,
      });
      expect((await store.listEvents(0, 1)).events).toEqual([anEvent(1)]);
      expect((await store.load()).lastEventId).toBe(3);
    });

    it('writes nothing of a commit under an epoch that no longer stands', async () => {
      const { store, lease, depose } = await prepare();
      await store.commit(lease, [revision(1, { putApps: [anApp('/web')] })]);
      await depose();

      const late = store.commit(lease, [revision(2, { removeApps: [appId('/web')] })]);

      await expect(late).rejects.toBeInstanceOf(FencedError);
      await expect(store.compact(lease)).rejects.toBeInstanceOf(FencedError);
      expect((await store.load()).root.revision).toBe(1);
    });

    it('knows what is stored only when no commit is in doubt any more', async () => {
      const { store, lease, breakCommit } = await prepare();
      await store.commit(lease, [{ kind: 'append-events', events: [anEvent(1)] }]);

      const { finish } = await breakCommit([{ kind: 'append-events', events: [anEvent(2)] }]);
      let isSettled = false;
      const settled = store.settle(lease).finally(() => {
        isSettled = true;
      });
      const before = await store.listEvents(0, 10);
      const wasSettledEarly = isSettled;
      await finish();

      expect(before.events).toEqual([anEvent(1)]);
      expect(wasSettledEarly).toBe(false);
      expect(await settled).toEqual({ lastEventId: 2 });
      expect(await store.settle(lease)).toEqual({ lastEventId: 2 });
    });

    it('does not let a commit overtake one that is in doubt', async () => {
      const { store, lease, breakCommit } = await prepare();

      const { finish } = await breakCommit([
        { kind: 'put-instances', instances: [anInstance('ghost')] },
      ]);
      const deleted = store.commit(lease, [
        { kind: 'delete-instances', ids: [instanceId('ghost')] },
      ]);
      await store.listEvents(0, 10);
      await finish();
      await deleted;

      expect((await store.load()).instances).toEqual([]);
    });

    it('does not settle under an epoch that no longer stands', async () => {
      const { store, lease, depose } = await prepare();
      await depose();

      await expect(store.settle(lease)).rejects.toBeInstanceOf(FencedError);
    });

    it('keeps where a running deployment leads from and to, whatever was declared since', async () => {
      const { store, lease } = await prepare();
      for (let number = 1; number <= 60; number += 1) {
        const app = anApp('/web', { version: `a${number}` });
        await store.commit(lease, [revision(number, { putApps: [app] })]);
      }
      const deployment = aDeployment('d1', { originalRevision: 3, targetRevision: 4 });
      await store.commit(lease, [{ kind: 'put-deployment', deployment }]);

      await store.compact(lease);
      const [from, to] = [await store.loadRevision(3), await store.loadRevision(4)];

      expect(from?.apps.get(appId('/web'))?.version).toBe('a3');
      expect(to?.apps.get(appId('/web'))?.version).toBe('a4');
    });

    it('keeps 50 versions of an app when compacted, and what runs', async () => {
      const { store, lease } = await prepare();
      for (let number = 1; number <= 60; number += 1) {
        const app = anApp('/web', { version: `a${number}` });
        await store.commit(lease, [revision(number, { putApps: [app] })]);
      }
      const old = anInstance('old', { appVersion: 'a5' });
      await store.commit(lease, [{ kind: 'put-instances', instances: [old] }]);

      await store.compact(lease);
      const { root } = await store.load();

      expect(await store.listAppVersions(appId('/web'))).toHaveLength(50);
      expect(await store.loadAppVersion(appId('/web'), 'a10')).toBeUndefined();
      expect(await store.loadAppVersion(appId('/web'), 'a5')).toMatchObject({ version: 'a5' });
      expect(root.apps.get(appId('/web'))?.version).toBe('a60');
    });
  });
}
