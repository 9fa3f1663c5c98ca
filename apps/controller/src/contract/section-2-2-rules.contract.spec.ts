/** Section 2.2 of the contract, the rules beside its table: roles, features, resident apps, labels. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { anApp } from '../../../../test/support/store-fixtures.js';
import { EngineHarness } from '../engine/engine-harness.test-support.js';
import {
  type AppDeclarations,
  EXTERNAL,
  RESIDENT,
  SINGLE,
  startDeclarations,
} from './declare-apps.test-support.js';
import { decidedOtherwise, shownBy } from './shown-by.test-support.js';

describe('2.2 Field table, the rules beside it', () => {
  let apps: AppDeclarations;
  beforeAll(async () => {
    apps = await startDeclarations({
      features: new Set(['gpu_resources', 'secrets', 'external_volumes']),
    });
  });
  afterAll(() => apps.api.daemon.close());

  describe('role', () => {
    it('is that of the controller, the top-level group’s or one the app has; not another', () =>
      apps.check({
        field: 'role',
        absent: '*',
        good: [[{ id: '/team/web', role: 'team' }], [{ id: '/team/sub/web', role: '*' }]],
        bad: [
          [{ role: '' }, '/role'],
          [{ role: 'other' }, '/role'],
          [{ role: 'a b' }, '/role'],
          [{ id: '/team/sub/other', role: 'sub' }, '/role'],
        ],
      }));

    shownBy(
      'is that of the group where that is enforced, and no other',
      'libs/marathon-v2/src/declare-apps.spec.ts',
      'are those of the top-level group where that is enforced',
    );
    decidedOtherwise(
      'a resident app needs force for another role',
      'another role of a resident app needs `force` | taken:',
    );
  });

  describe('user', () => {
    it('goes with the task; without one that of the framework counts', async () => {
      const harness = new EngineHarness();
      await harness.start();
      await harness.change({ putApps: [anApp('/a', { user: 'nobody' }), anApp('/b')] });
      await harness.clock.advance(1_000);

      const users = harness.cluster.running().map(({ info }) => [info.name, info.command?.user]);
      harness.crash();
      expect(users.sort()).toEqual([
        ['a', 'nobody'],
        ['b', undefined],
      ]);
    });
  });

  describe('features', () => {
    it('secrets and external volumes need theirs, GPUs too', async () => {
      const bare = await startDeclarations({ features: new Set() });
      const secrets = { secrets: { s: { source: '/s' } } };

      expect(await bare.declare(secrets)).toBe('422 /secrets');
      expect(await bare.declare({ ...secrets, env: { A: { secret: 's' } } })).toBe(
        '422 /secrets /env/A',
      );
      expect(await bare.declare(EXTERNAL)).toBe('422 /container/volumes(0)/external');
      expect(await bare.declare({ gpus: 1 })).toBe('422 /gpus');
      await bare.api.daemon.close();
    });
  });

  describe('resident apps', () => {
    it('accept exactly the role *, or leave it out', () =>
      apps.check({
        field: 'acceptedResourceRoles',
        good: [[{ ...RESIDENT, acceptedResourceRoles: ['*'] }], [RESIDENT, undefined]],
        bad: [
          [
            { ...RESIDENT, role: 'pacer', acceptedResourceRoles: ['pacer'] },
            '/acceptedResourceRoles',
          ],
        ],
      }));

    it('cannot change volumes, resources, requirePorts and host ports', async () => {
      const portDefinitions = [{ port: 7_100, name: 'p' }];
      const base = { ...RESIDENT, portDefinitions, requirePorts: true, cmd: 'x' };
      await apps.declare({ ...base, id: '/resident/db' });
      const put = async (fields: object): Promise<readonly string[]> => {
        const reply = await apps.api.ask('PUT', '/v2/apps/resident/db', fields);
        const paths = (reply.json().details ?? []).map((detail: { path: string }) => detail.path);
        return [String(reply.statusCode), ...paths];
      };

      const bigger = structuredClone(RESIDENT.container);
      for (const volume of bigger.volumes) volume.persistent.size = 11;
      expect(await put({ container: bigger })).toEqual(['422', '/container/volumes']);
      expect(await put({ container: { type: 'MESOS' } })).toEqual(['422', '/container/volumes']);
      for (const field of ['cpus', 'mem', 'disk', 'gpus']) {
        expect(await put({ [field]: 2 })).toEqual(['422', `/${field}`]);
      }
      expect(await put({ requirePorts: false })).toEqual([
        '422',
        '/requirePorts',
        '/portDefinitions',
      ]);
      expect(await put({ portDefinitions: [{ port: 7_101, name: 'p' }] })).toEqual([
        ...['422', '/portDefinitions'],
      ]);
      expect(await put({ cmd: 'y', labels: { a: 'b' } })).toEqual(['200']);
    });
  });

  describe('labels with meaning', () => {
    const migration = (fields: object) => ({
      labels: { DCOS_MIGRATION_API_VERSION: 'v1', ...fields },
    });
    const COMPLETE = { DCOS_PACKAGE_FRAMEWORK_NAME: 'n', DCOS_MIGRATION_API_PATH: '/p' };

    it('MARATHON_SINGLE_INSTANCE_APP: other defaults of the upgrade strategy', async () => {
      expect(await apps.declare(SINGLE)).toMatchObject({
        upgradeStrategy: { minimumHealthCapacity: 0, maximumOverCapacity: 0 },
      });
    });

    it('DCOS_MIGRATION_API_VERSION is v1 and needs the two others', async () => {
      expect(await apps.declare(migration(COMPLETE))).toMatchObject(migration(COMPLETE));
      expect(await apps.declare(migration({}))).toBe(
        '422 /labels/DCOS_PACKAGE_FRAMEWORK_NAME /labels/DCOS_MIGRATION_API_PATH',
      );
      const second = { ...COMPLETE, DCOS_MIGRATION_API_VERSION: 'v2' };
      expect(await apps.declare(migration(second))).toBe('422 /labels/DCOS_MIGRATION_API_VERSION');
    });

    decidedOtherwise('GPU_SCHEDULING_BEHAVIOR', '`GPU_SCHEDULING_BEHAVIOR`');
  });

  describe('executor', () => {
    it('of the app’s own has to run the checks of agents, and a warning says so', async () => {
      const healthChecks = [{ protocol: 'TCP' }, { protocol: 'COMMAND', command: { value: 'x' } }];
      const body = { id: '/checked', cmd: 'x', executor: '/e', healthChecks };
      const warnings = (await apps.api.ask('POST', '/v2/apps', body)).headers['pacer-warnings'];

      expect(warnings).toContain("/healthChecks(1) is run by the executor '/e'");
      expect(warnings).not.toContain('/healthChecks(0)');
    });

    it('//cmd takes no executorResources, and a warning says so', async () => {
      const body = { id: '/kept', cmd: 'x', executorResources: {}, tty: true };
      const own = { ...body, id: '/own', executor: '/e' };
      const [kept, taken] = [
        await apps.api.ask('POST', '/v2/apps', body),
        await apps.api.ask('POST', '/v2/apps', own),
      ];

      expect(kept.headers['pacer-warnings']).toContain('/executorResources has no effect with');
      expect(taken.headers['pacer-warnings']).toBeUndefined();
    });
  });
});
