import fc from 'fast-check';
import { jsonWith } from './arbitrary-json.js';

const FIELDS = [
  'id',
  'labels',
  'version',
  'user',
  'role',
  'environment',
  'secrets',
  'source',
  'secret',
  'containers',
  'name',
  'exec',
  'command',
  'shell',
  'argv',
  'overrideEntrypoint',
  'resources',
  'resourceLimits',
  'cpus',
  'mem',
  'disk',
  'gpus',
  'endpoints',
  'containerPort',
  'hostPort',
  'protocol',
  'networkNames',
  'image',
  'kind',
  'forcePull',
  'pullConfig',
  'healthCheck',
  'http',
  'tcp',
  'endpoint',
  'path',
  'scheme',
  'intervalSeconds',
  'volumeMounts',
  'mountPath',
  'readOnly',
  'volumes',
  'host',
  'persistent',
  'artifacts',
  'uri',
  'lifecycle',
  'killGracePeriodSeconds',
  'networks',
  'mode',
  'scaling',
  'instances',
  'maxInstances',
  'scheduling',
  'backoff',
  'backoffFactor',
  'maxLaunchDelay',
  'upgrade',
  'minimumHealthCapacity',
  'placement',
  'constraints',
  'fieldName',
  'operator',
  'value',
  'acceptedResourceRoles',
  'killSelection',
  'unreachableStrategy',
  'executorResources',
  'constructor',
] as const;

/** JSON that looks like pods. */
export const arbitraryPodJson: fc.Arbitrary<unknown> = jsonWith(FIELDS);

const some = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> =>
  fc.option(value, { nil: undefined });

const withoutUndefined = (
  fields: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

const command = fc.constantFrom<unknown>(
  { command: { shell: 'sleep 1' } },
  { command: { argv: ['sleep', '1'] } },
  { command: { argv: ['sleep', '1'] }, overrideEntrypoint: true },
);

const container = (name: string) =>
  fc
    .record({
      name: fc.constant(name),
      exec: command,
      resources: fc.constantFrom<unknown>(
        { cpus: 0.1, mem: 16 },
        { cpus: 0, mem: 32, disk: 1 },
        { cpus: 0.0004, mem: 0.0004 },
      ),
      resourceLimits: some(fc.constantFrom<unknown>({ cpus: 'unlimited' }, { mem: 64 })),
      endpoints: some(
        fc.subarray<unknown>([
          { name: `${name}-http`, hostPort: 0 },
          { name: `${name}-own`, containerPort: 80, protocol: ['tcp', 'udp'] },
        ]),
      ),
      image: some(fc.constant({ kind: 'DOCKER', id: 'busybox', forcePull: true })),
      environment: some(fc.dictionary(fc.constantFrom('A', 'B', '__proto__'), fc.string())),
      healthCheck: some(
        fc.constantFrom<unknown>(
          { http: { endpoint: `${name}-http` } },
          { exec: { command: { argv: ['true'] } }, intervalSeconds: 1 },
        ),
      ),
      volumeMounts: some(
        fc.constantFrom<unknown>(
          [{ name: 'data', mountPath: 'data' }],
          [{ name: 'etc', mountPath: '/etc/here', readOnly: true }],
        ),
      ),
      artifacts: some(fc.constant([{ uri: 'http://a/b.tgz', destPath: 'b' }])),
      labels: some(fc.dictionary(fc.constantFrom('a', 'toString'), fc.string())),
      lifecycle: some(fc.constant({ killGracePeriodSeconds: 2.5 })),
    })
    .map(withoutUndefined);

/** Pods that are mostly valid, for what must hold of accepted ones. */
export const plausiblePod: fc.Arbitrary<Readonly<Record<string, unknown>>> = fc
  .record({
    id: fc.constantFrom('/pod', '/shop/pod', 'shop/a/b'),
    containers: fc.oneof(fc.tuple(container('one')), fc.tuple(container('one'), container('two'))),
    volumes: fc.constant([{ name: 'data' }, { name: 'etc', host: '/etc' }]),
    networks: some(
      fc.constantFrom([{ mode: 'host' }], [{ mode: 'container/bridge' }], [{ name: 'net' }]),
    ),
    environment: some(fc.dictionary(fc.constantFrom('A', 'C'), fc.string())),
    scaling: some(
      fc.constantFrom<unknown>({ kind: 'fixed', instances: 3 }, { instances: 2, maxInstances: 4 }),
    ),
    scheduling: some(
      fc.constantFrom<unknown>(
        { backoff: { backoff: 0.5, maxLaunchDelay: 60 }, killSelection: 'OLDEST_FIRST' },
        { placement: { constraints: [{ fieldName: 'hostname', operator: 'unique' }] } },
        { upgrade: { minimumHealthCapacity: 0.5 }, unreachableStrategy: 'disabled' },
      ),
    ),
    executorResources: some(fc.constant({ cpus: 0.2, mem: 64, disk: 10 })),
    user: some(fc.constant('nobody')),
  })
  .map(withoutUndefined);
