import type { WireApp, WireTask } from '#marathon-v2';
import type { EdgeSettings, Endpoint, Route } from '#routing';

/** Settings of an edge that never runs. */
export const sampleSettings: EdgeSettings = {
  bindAddresses: ['127.0.0.1'],
  httpPort: 8000,
  statsSocket: '/run/pacer/admin.sock',
  mapFiles: {
    hosts: '/run/pacer/hosts.map',
    wildcards: '/run/pacer/wildcards.map',
    sni: '/run/pacer/sni.map',
    sniWildcards: '/run/pacer/sni-wildcards.map',
    ports: '/run/pacer/ports.map',
    apps: '/run/pacer/apps.map',
  },
  sockets: {
    http: '/run/pacer/handover-http.sock',
    https: '/run/pacer/handover-https.sock',
    tls: '/run/pacer/tls.sock',
  },
  certificateDirectory: '/run/pacer/certificates',
  hardStopSeconds: 60,
};

/** One place on this host. */
export const sampleEndpoint = (
  port: number,
  state: Endpoint['state'] = 'ready',
  weight = 1,
): Endpoint => ({
  name: `127.0.0.1_${port}`,
  address: '127.0.0.1',
  port,
  taskId: `t${port}`,
  state,
  weight,
});

/** A published port without labels. */
export const sampleRoute = (extra: Partial<Route> = {}): Route => ({
  appId: '/web',
  portIndex: 0,
  backend: 'web_10000',
  listener: { port: 10_000, options: [], certificates: [] },
  servicePort: 10_000,
  mode: 'http',
  balance: { words: ['roundrobin'], isHash: false },
  sticky: false,
  vhosts: [],
  paths: [],
  weight: 0,
  passthrough: false,
  http: { redirectToHttps: false, hsts: false },
  allowedNetworks: [],
  server: { protocol: 'http' },
  templates: new Map(),
  endpoints: [],
  ...extra,
});

/** An app on host networking with one port and no labels. */
export const sampleApp = (id: string, extra: Partial<WireApp> = {}): WireApp => ({
  id,
  labels: {},
  instances: 1,
  cpus: 0.1,
  mem: 32,
  disk: 0,
  gpus: 0,
  networks: [{ mode: 'host' }],
  portDefinitions: [{ port: 10_000, protocol: 'tcp', labels: {} }],
  requirePorts: false,
  upgradeStrategy: { minimumHealthCapacity: 1, maximumOverCapacity: 1 },
  version: 'v',
  tasks: [],
  ...extra,
});

/** A running task on this host. */
export const sampleTask = (id: string, port: number, extra: Partial<WireTask> = {}): WireTask => ({
  appId: '/web',
  id,
  host: '127.0.0.1',
  ports: [port],
  servicePorts: [10_000],
  ipAddresses: [],
  slaveId: 'agent',
  state: 'TASK_RUNNING',
  version: 'v',
  localVolumes: [],
  role: '*',
  ...extra,
});
