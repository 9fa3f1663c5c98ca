import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { type AppId, appId, groupId, isPod, type PodApp, type RootGroup } from '#core';
import { arbitraryPodJson, plausiblePod } from '../../../test/support/arbitrary-pods.js';
import { readNewApp } from './app-request.js';
import { declareApps } from './change-apps.js';
import { declareGroup, scaleGroup } from './change-groups.js';
import { declarePod, removePod } from './change-pods.js';
import type { Declaration } from './declaration.js';
import { readNewGroup } from './group-request.js';
import {
  applyDeclaration,
  emptyRoot,
  refusalOf,
  rules,
  unwrap,
} from './marathon-v2.test-support.js';
import { readPod } from './pod-fields.js';
import { describeRefusal, type Outcome } from './refusal.js';
import { readInstanceIds } from './task-ids-request.js';
import { toWirePod } from './to-wire-pod.js';

vi.setConfig({ testTimeout: 120_000 });

const V1 = '2026-01-01T00:00:00.000Z';
const context = (root: RootGroup = emptyRoot()) => ({ root, version: V1, rules });

const CONTAINER = {
  name: 'web',
  exec: { command: { shell: 'sleep 1' } },
  resources: { cpus: 0.1, mem: 32 },
};
const POD = { id: '/shop/pod', containers: [CONTAINER] };

function declare(
  body: unknown,
  root: RootGroup = emptyRoot(),
  mode: 'create' | 'upsert' = 'upsert',
): Outcome<Declaration> {
  const read = readPod(body, { strict: true });
  return read.ok ? declarePod(context(root), read.value, { mode }) : read;
}

function podOf(body: unknown): PodApp {
  const [app] = unwrap(declare(body)).putApps;
  if (app === undefined || !isPod(app)) throw new Error('no pod was put');
  return app;
}

/** Where a pod with these fields in its container is objected to. */
function objections(fields: Readonly<Record<string, unknown>>, pod = {}): readonly string[] {
  const refusal = refusalOf(declare({ ...POD, ...pod, containers: [{ ...CONTAINER, ...fields }] }));
  return 'details' in refusal && typeof refusal.details !== 'string'
    ? refusal.details.map(({ path }) => path)
    : [refusal.kind];
}

const rootWithPod = (): RootGroup => applyDeclaration(emptyRoot(), unwrap(declare(POD)));

describe('a declared pod', () => {
  it('takes what its containers and its executor take together', () => {
    const pod = podOf({
      ...POD,
      containers: [
        { ...CONTAINER, resources: { cpus: 0.1, mem: 32 } },
        { ...CONTAINER, name: 'log', resources: { cpus: 0.2, mem: 16, disk: 5, gpus: 1 } },
      ],
    });

    expect(pod).toMatchObject({ cpus: 0.4, mem: 80, disk: 15, gpus: 1, instances: 1 });
    expect(pod).toMatchObject({ role: '*', networks: [{ mode: 'host' }], portDefinitions: [] });
  });

  it('has the checks of its containers, each of an endpoint by its place among all', () => {
    const check = { http: { endpoint: 'api', path: '/ping' }, intervalSeconds: 5 };
    const pod = podOf({
      ...POD,
      containers: [
        { ...CONTAINER, endpoints: [{ name: 'first', hostPort: 0 }] },
        {
          ...CONTAINER,
          name: 'api',
          endpoints: [{ name: 'api', hostPort: 8080 }],
          healthCheck: check,
        },
      ],
    });

    expect(pod.healthChecks).toMatchObject([
      { protocol: 'MESOS_HTTP', portIndex: 1, path: '/ping', intervalSeconds: 5 },
    ]);
  });

  it('may not be where an app or a group is, nor an app where a pod is', () => {
    const app = unwrap(readNewApp({ id: POD.id, cmd: 'x' }, { strict: true }));
    const asApp = (root: RootGroup, mode: 'create' | 'upsert') =>
      declareApps(context(root), [app], { mode, partial: true });
    const withApp = applyDeclaration(emptyRoot(), unwrap(asApp(emptyRoot(), 'create')));

    expect(refusalOf(declare(POD, withApp)).kind).toBe('exists');
    expect(refusalOf(declare({ ...POD, id: '/shop' }, withApp)).kind).toBe('exists');
    expect(refusalOf(asApp(rootWithPod(), 'upsert')).kind).toBe('exists');
    expect(refusalOf(declare(POD, rootWithPod(), 'create')).kind).toBe('exists');
    expect(unwrap(declare(POD, rootWithPod())).putApps).toEqual([
      rootWithPod().apps.get(appId(POD.id)),
    ]);
    expect(refusalOf(removePod(context(withApp), POD.id as AppId)).kind).toBe('missing');
    const below = unwrap(readNewApp({ id: `${POD.id}/web`, cmd: 'x' }, { strict: true }));
    const belowPod = declareApps(context(rootWithPod()), [below], {
      mode: 'create',
      partial: true,
    });
    expect(JSON.stringify(refusalOf(belowPod))).toContain(`'${POD.id}' is a pod`);
  });

  it('stays when its group is put or scaled, and cannot be made through one', () => {
    const root = rootWithPod();
    const group = unwrap(readNewGroup({ id: '/shop', apps: [] }, { strict: true }));
    const put = unwrap(declareGroup(context(root), groupId('/shop'), group, { create: false }));
    const scaled = unwrap(scaleGroup(context(root), groupId('/'), 3));

    expect(put).toMatchObject({ putApps: [], removeApps: [] });
    expect(scaled.putApps).toEqual([]);
    expect(refusalOf(readNewGroup({ id: '/shop', pods: [POD] }, { strict: true })).kind).toBe(
      'broken-rule',
    );
  });

  it.each([
    [{ exec: undefined }, {}, '/containers(0)'],
    [{ name: 'Web' }, {}, '/containers(0)/name'],
    [{ resources: { cpus: 0, mem: 0 } }, {}, '/containers(0)/resources'],
    [{ resources: { mem: 1 } }, {}, '/containers(0)/resources/cpus'],
    [{ endpoints: [{ name: 'a' }] }, {}, '/containers(0)/endpoints(0)/hostPort'],
    [
      { endpoints: [{ name: 'a', hostPort: 0, containerPort: 1 }] },
      {},
      '/containers(0)/endpoints(0)/containerPort',
    ],
    [
      { endpoints: [{ name: 'a', hostPort: 0, protocol: ['sctp'] }] },
      {},
      '/containers(0)/endpoints(0)/protocol(0)',
    ],
    [{}, { networks: [{ mode: 'container/bridge' }] }, '/containers(0)/image'],
    [{}, { networks: [{ name: 'a' }, { name: 'b' }] }, '/networks'],
    [{ image: { kind: 'APPC', id: 'x' } }, {}, '/containers(0)/image/kind'],
    [{ check: { tcp: {} } }, {}, '/containers(0)/check'],
    [{}, { workload: 'daemon' }, '/workload'],
    [{}, { workload: 'job' }, '/workload'],
    [{ tty: 1 }, {}, '/containers(0)/tty'],
    [
      { linuxInfo: { seccomp: { profileName: 'p' } } },
      {},
      '/containers(0)/linuxInfo/seccomp/profileName',
    ],
    [
      { image: { kind: 'DOCKER', id: 'x' }, linuxInfo: { ipcInfo: { mode: 'SHARE_PARENT' } } },
      {},
      '/containers(0)/linuxInfo/ipcInfo/mode',
    ],
    [{ healthCheck: { tcp: { endpoint: 'nope' } } }, {}, '/containers(0)/healthCheck/tcp/endpoint'],
    [{ healthCheck: {} }, {}, '/containers(0)/healthCheck'],
    [{ volumeMounts: [{ name: 'v', mountPath: 'v' }] }, {}, '/containers(0)/volumeMounts(0)/name'],
    [
      { volumeMounts: [{ name: 'v', mountPath: '/v' }] },
      { volumes: [{ name: 'v' }] },
      '/containers(0)/volumeMounts(0)/mountPath',
    ],
    [{}, { volumes: [{ name: 'v', persistent: { size: 1 } }] }, '/volumes(0)/persistent'],
    [{ environment: { 'a.b': 'x' } }, {}, '/containers(0)/environment'],
    [{}, { environment: { '1': 'x' } }, '/environment'],
    [{}, { volumes: [{ name: 'tasks' }] }, '/volumes(0)/name'],
    [{}, { scaling: { instances: 3, maxInstances: 2 } }, '/scaling/instances'],
    [{}, { scaling: { instances: -1 } }, '/scaling/instances'],
    [
      {},
      { scheduling: { placement: { constraints: [{ fieldName: 'a', operator: 'NOPE' }] } } },
      '/scheduling/placement/constraints(0)',
    ],
    [{}, { scheduling: { backoff: { backoffFactor: 0 } } }, '/scheduling/backoff/backoffFactor'],
    [{}, { executorResources: { cpus: 0 } }, '/executorResources/cpus'],
    [{ name: 'long-name' }, { id: `/${'a'.repeat(199)}` }, '/containers(0)/name'],
    [{ name: 'same' }, { role: 'nobodys' }, '/role'],
  ])('with %j and %j is objected to at %s', (fields, pod, path) => {
    expect(objections(fields, pod)).toContain(path);
  });
});

it.each([
  [{ resources: { cpus: -1, mem: 32 } }, {}, '/containers(0)/resources/cpus'],
  [{ resources: { cpus: 1, mem: 2e12 } }, {}, '/containers(0)/resources/mem'],
  [{}, { executorResources: { cpus: -1 } }, '/executorResources/cpus'],
])('a wrong resource is objected to once: %j', (fields, pod, path) => {
  expect(objections(fields, pod)).toEqual([path]);
});

it('what only the sum of all containers is too much of is objected to as such', () => {
  const half = { ...CONTAINER, resources: { cpus: 0.1, mem: 0.9e12 } };
  const containers = [half, { ...half, name: 'other' }];

  expect(refusalOf(declare({ ...POD, containers }))).toMatchObject({
    details: [{ path: '/containers' }],
  });
});

describe('whatever JSON is sent', () => {
  const expectAnswer = (outcome: Outcome<unknown>): void => {
    if (outcome.ok) return;
    const { status, body } = describeRefusal(outcome.refusal);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    expect(body.message).not.toBe('');
    for (const { path } of Array.isArray(body.details) ? body.details : []) {
      expect(path).toMatch(/^[/(]/);
    }
  };

  it('is read as a pod or refused', () => {
    fc.assert(
      fc.property(arbitraryPodJson, plausiblePod, fc.boolean(), (body, pod, strict) => {
        const spoilt = typeof body === 'object' && body !== null ? { ...pod, ...body } : body;
        expectAnswer(readInstanceIds(body));
        for (const sent of [body, spoilt, { ...pod, containers: [body] }]) {
          const read = readPod(sent, { strict });
          expectAnswer(read);
          if (read.ok) expectAnswer(declarePod(context(), read.value, { mode: 'upsert' }));
        }
      }),
      { numRuns: 700 },
    );
  });

  it('reads back as itself when it is accepted', () => {
    let accepted = 0;
    fc.assert(
      fc.property(plausiblePod, (body) => {
        const declared = declare(body);
        expectAnswer(declared);
        if (!declared.ok) return;
        accepted += 1;
        const root = applyDeclaration(emptyRoot(), declared.value);
        for (const pod of declared.value.putApps.filter(isPod)) {
          const again = unwrap(declare(JSON.parse(JSON.stringify(toWirePod(pod))), root));
          expect(again.putApps[0]).toBe(root.apps.get(pod.id));
        }
      }),
      { numRuns: 1_000 },
    );
    expect(accepted).toBeGreaterThan(50);
  });
});
