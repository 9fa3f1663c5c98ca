/** Inclusive. */
export interface PortRange {
  readonly begin: number;
  readonly end: number;
}

/** One process of a one-machine cluster. */
export interface DaemonPlan {
  /** `controller`, `master`, `router`, `agent-1`…: name of its log, record and data folder. */
  readonly name: string;
  readonly program: 'controller' | 'master' | 'agent' | 'router';
  readonly port: number;
  readonly url: string;
  readonly environment: Readonly<Record<string, string>>;
}

export interface ClusterPorts {
  readonly api: number;
  readonly master: number;
  /** Of the first agent; the others follow. */
  readonly agent: number;
  readonly router: number;
  readonly edgeHttp: number;
  readonly edgeHttps: number;
  /** UDP and TCP. */
  readonly dns: number;
}

/** What the machine, or its owner by settings, gives to all agents together. */
export interface Capacity {
  readonly cpus: number;
  readonly memMib: number;
  readonly diskMib: number;
  readonly taskPorts: PortRange;
}

export interface ClusterPlanInput {
  readonly host: string;
  /** https with TLS. */
  readonly scheme: 'http' | 'https';
  readonly dataDirectory: string;
  readonly databaseUrl: string;
  readonly uiDirectory: string;
  readonly agents: number;
  readonly ports: ClusterPorts;
  readonly capacity: Capacity;
}

export const DEFAULT_PORTS: ClusterPorts = {
  api: 8080,
  master: 5050,
  agent: 5051,
  router: 9090,
  edgeHttp: 8000,
  edgeHttps: 8443,
  dns: 8053,
};

/**
 * Says which processes a cluster consists of and how each is configured, in the order in which they start. Daemons know
 * nothing of each other but URLs. Several agents share the machine's resources in equal parts and have host names of
 * their own (127.0.0.1, 127.0.0.2, …), so that constraints on the host name mean something.
 */
export function planCluster(input: ClusterPlanInput): readonly DaemonPlan[] {
  const { ports } = input;
  const masterUrl = toUrl(input, ports.master);
  const controllerUrl = toUrl(input, ports.api);
  const agents = Array.from({ length: input.agents }, (_, index) =>
    planDaemon(input, 'agent', `agent-${index + 1}`, ports.agent + index, {
      PACER_MASTER_URLS: masterUrl,
      ...(input.agents === 1 ? {} : shareOf(input, index)),
    }),
  );
  const daemonPorts = [ports.api, ports.master, ...agents.map(({ port }) => port)];
  // The router knows its own.
  const edgePorts = [ports.router, ports.edgeHttp, ports.edgeHttps, ports.dns];
  return [
    planDaemon(input, 'master', 'master', ports.master, { DATABASE_URL: input.databaseUrl }),
    planDaemon(input, 'controller', 'controller', ports.api, {
      DATABASE_URL: input.databaseUrl,
      PACER_MASTER_URLS: masterUrl,
      PACER_UI_DIR: input.uiDirectory,
      PACER_RESERVED_PORTS: [...daemonPorts, ...edgePorts].join(','),
    }),
    ...agents,
    planDaemon(input, 'router', 'router', ports.router, {
      PACER_CONTROLLER_URLS: controllerUrl,
      PACER_EDGE_HTTP_PORT: String(ports.edgeHttp),
      PACER_EDGE_HTTPS_PORT: String(ports.edgeHttps),
      PACER_DNS_PORT: String(ports.dns),
      PACER_RESERVED_PORTS: [
        ...daemonPorts,
        // HAProxy on a task's port would keep the task from binding it: a fixed host port is also the service port.
        `${input.capacity.taskPorts.begin}-${input.capacity.taskPorts.end}`,
      ].join(','),
    }),
  ];
}

function planDaemon(
  input: ClusterPlanInput,
  program: DaemonPlan['program'],
  name: string,
  port: number,
  environment: Readonly<Record<string, string>>,
): DaemonPlan {
  return {
    name,
    program,
    port,
    url: toUrl(input, port),
    environment: {
      PACER_HOST: input.host,
      PACER_PORT: String(port),
      PACER_DATA: `${input.dataDirectory}/${name}`,
      ...environment,
    },
  };
}

/** The n-th of equal parts. Task ports are split without gap or overlap. */
function shareOf(
  { agents, capacity }: ClusterPlanInput,
  index: number,
): Readonly<Record<string, string>> {
  const ports = splitRange(capacity.taskPorts, agents, index);
  return {
    PACER_AGENT_HOSTNAME: `127.0.0.${index + 1}`,
    PACER_AGENT_CPUS: String(Math.floor((capacity.cpus / agents) * 1000) / 1000),
    PACER_AGENT_MEM_MIB: String(Math.floor(capacity.memMib / agents)),
    PACER_AGENT_DISK_MIB: String(Math.floor(capacity.diskMib / agents)),
    PACER_AGENT_PORTS: `${ports.begin}-${ports.end}`,
  };
}

/** The `index`-th of `parts` neighbouring ranges that together are `range`. */
export function splitRange(range: PortRange, parts: number, index: number): PortRange {
  const count = range.end - range.begin + 1;
  const begin = range.begin + Math.floor((count * index) / parts);
  return { begin, end: range.begin + Math.floor((count * (index + 1)) / parts) - 1 };
}

/** Who listens on all addresses is reached by loopback: that is what a certificate can be for. */
function toUrl({ host, scheme }: ClusterPlanInput, port: number): string {
  const reached = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `${scheme}://${reached.includes(':') ? `[${reached}]` : reached}:${port}`;
}
