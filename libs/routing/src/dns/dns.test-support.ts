import type { WireApp, WireTask } from '#marathon-v2';
import type { AppEntry, InstancePort, NamedInstance } from './app-entry.js';
import { toAppRecords, toInstanceRecords } from './app-records.js';
import type { AppRecords, DnsNaming } from './dns-naming.js';

/** Not SHA-1, but as good here: other texts, other bytes. */
export const NAMING: DnsNaming = {
  domain: 'pacer',
  mesosDomain: 'mesos',
  framework: 'marathon',
  weight: 1,
  sha1: (text) => {
    const bytes = new Uint8Array(20);
    let state = 2166136261;
    for (let at = 0; at < bytes.length; at += 1) {
      for (let index = 0; index < text.length; index += 1) {
        state = Math.imul(state ^ text.charCodeAt(index), 16777619) + at;
      }
      bytes[at] = state >>> 24;
    }
    return bytes;
  },
};

export const task = (id: string, extra: Partial<WireTask> = {}): WireTask => ({
  appId: '/a/b/web',
  id,
  host: '10.0.0.1',
  ports: [31_000],
  servicePorts: [10_000],
  ipAddresses: [],
  slaveId: '1234-S1',
  state: 'TASK_RUNNING',
  version: 'v1',
  localVolumes: [],
  role: '*',
  ...extra,
});

export const app = (tasks: readonly WireTask[], extra: Partial<WireApp> = {}): WireApp => ({
  id: '/a/b/web',
  labels: {},
  instances: tasks.length,
  cpus: 0.1,
  mem: 32,
  disk: 0,
  gpus: 0,
  networks: [{ mode: 'host' }],
  portDefinitions: [{ port: 10_000, protocol: 'tcp', name: 'http', labels: {} }],
  requirePorts: false,
  upgradeStrategy: { minimumHealthCapacity: 1, maximumOverCapacity: 1 },
  version: 'v1',
  tasks,
  ...extra,
});

export const HTTP_PORT: InstancePort = {
  name: 'http',
  protocols: ['tcp'],
  at: 'agent',
  port: 31_000,
};

export const instance = (taskId: string, extra: Partial<NamedInstance> = {}): NamedInstance => ({
  taskId,
  version: 'v1',
  agentId: '1234-S1',
  agentAddress: '10.0.0.1',
  ownAddresses: [],
  ports: [HTTP_PORT],
  ...extra,
});

export const entry = (
  id: string,
  instances: readonly NamedInstance[],
  extra: Partial<AppEntry> = {},
): AppEntry => ({ id, version: 'v1', instances, isFailStatic: false, problems: [], ...extra });

/** Of an app with all its instances. */
export function allRecords(app: AppEntry): AppRecords {
  const made = [
    toAppRecords(app, NAMING),
    ...app.instances.map((one) => toInstanceRecords(app, one, NAMING)),
  ];
  return {
    records: made.flatMap(({ records }) => records),
    claims: made.flatMap(({ claims }) => claims),
    problems: made.flatMap(({ problems }) => problems),
  };
}
