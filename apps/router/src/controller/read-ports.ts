type Fields = Readonly<Record<string, unknown>>;

/** Ports of an app as they were given: what is good of them, and why the rest is not. */
export interface ReadPorts {
  /** What takes the place of the app's fields; nothing where they are good as they are. */
  readonly fields: Fields;
  readonly problems: readonly string[];
}

/** Far above what Marathon is used for: an app's ports are gone through for each of its tasks. */
const MAX_PORTS = 1_000;
const MAX_PORT = 65_535;
/** Longest part of a value a problem quotes, in characters. */
const MAX_QUOTED = 80;

/**
 * Checks what the ports of an app are read from. Labels, tasks and checks name ports by their place in the list, so of a list
 * that cannot be read to the end nothing is used. O(ports).
 */
export function readPorts(app: Fields): ReadPorts {
  const problems: string[] = [];
  const container = app['container'];
  if (container !== undefined && !isRecord(container)) {
    return { fields: NO_PORTS, problems: [`container: ${shown(container)} is not an object`] };
  }
  for (const [at, network] of listOf(app['networks'], 'networks', problems).entries()) {
    if (isRecord(network) && typeof network['mode'] === 'string') continue;
    problems.push(`networks[${at}]: ${shown(network)} is not a network with a mode`);
  }
  const docker = isRecord(container?.['docker']) ? container['docker'] : {};
  const lists = [
    portList(container?.['portMappings'], 'container.portMappings', problems),
    portList(docker['portMappings'], 'container.docker.portMappings', problems),
    portList(app['portDefinitions'], 'portDefinitions', problems),
  ];
  if (problems.length > 0) return { fields: NO_PORTS, problems };
  const [mappings, dockerMappings, definitions] = lists;
  return {
    fields: {
      ...(definitions?.isFilled === true && { portDefinitions: definitions.items }),
      ...((mappings?.isFilled === true || dockerMappings?.isFilled === true) && {
        container: {
          ...container,
          ...(mappings?.isFilled === true && { portMappings: mappings.items }),
          ...(dockerMappings?.isFilled === true && {
            docker: { ...docker, portMappings: dockerMappings.items },
          }),
        },
      }),
    },
    problems,
  };
}

const NO_PORTS: Fields = {
  networks: [{ mode: 'host' }],
  portDefinitions: [],
  container: { type: 'MESOS', volumes: [] },
};

/** Of an app that cannot have any. */
export const WITHOUT_PORTS: ReadPorts = { fields: NO_PORTS, problems: [] };

export const isRecord = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function listOf(value: unknown, name: string, problems: string[]): readonly unknown[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) problems.push(`${name}: ${shown(value)} is not a list`);
  else if (value.length <= MAX_PORTS) return value;
  else problems.push(`${name}: ${value.length} entries, at most ${MAX_PORTS} are read`);
  return [];
}

interface PortList {
  readonly items: readonly unknown[];
  /** Something that was missing stands in it now. */
  readonly isFilled: boolean;
}

function portList(value: unknown, name: string, problems: string[]): PortList {
  const items = listOf(value, name, problems);
  const read = items.map((item, at) => readPort(item, `${name}[${at}]`, problems));
  return { items: read, isFilled: read.some((item, at) => item !== items[at]) };
}

const NUMBERS = ['containerPort', 'hostPort', 'servicePort', 'port'] as const;
const TEXTS = ['protocol', 'name'] as const;

function readPort(item: unknown, place: string, problems: string[]): unknown {
  if (!isRecord(item)) {
    problems.push(`${place}: ${shown(item)} is not an object`);
    return item;
  }
  for (const name of NUMBERS) {
    const value = item[name];
    if (value === undefined || isPort(value)) continue;
    problems.push(`${place}.${name}: ${shown(value)} is not a port from 0 to ${MAX_PORT}`);
  }
  for (const name of TEXTS) {
    const value = item[name];
    if (value !== undefined && typeof value !== 'string') {
      problems.push(`${place}.${name}: ${shown(value)} is not a text`);
    }
  }
  return item['protocol'] === undefined ? { ...item, protocol: 'tcp' } : item;
}

/** Whether a value is a port, or the 0 that stands for any. */
export const isPort = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_PORT;

/** A value as a problem shows it. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}...` : text;
}
