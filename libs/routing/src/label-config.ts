import type { WireApp } from '#marathon-v2';

/** What the labels of an app say about one of its ports. Names and rules: marathon-lb's HAPROXY_{n}_* labels. */
export interface PortLabels {
  readonly groups: readonly string[];
  readonly enabled: boolean;
  /** Lower case, without duplicates. */
  readonly vhosts: readonly string[];
  /** Starts with `/`; undefined: the whole host. */
  readonly path?: string;
  readonly mode?: 'http' | 'tcp';
  readonly balance: string;
  readonly sticky: boolean;
  /** Orders rules of one host, larger first. */
  readonly backendWeight: number;
  /** Listen port instead of the service port. */
  readonly port?: number;
}

/** A label that was ignored, and why. */
export interface LabelProblem {
  readonly label: string;
  readonly reason: string;
}

const TRUE_WORDS: ReadonlySet<string> = new Set(['true', 't', 'yes', 'y']);
/** Algorithms with which servers can be added while HAProxy runs. */
const DYNAMIC_BALANCE: ReadonlySet<string> = new Set([
  'roundrobin',
  'leastconn',
  'first',
  'random',
]);
const HOST_PATTERN = /^(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;
const PATH_PATTERN = /^\/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*$/;
const MAX_VHOSTS = 64;

/** Reads the labels of one port. Problems are reported, never thrown: one bad label must not stop the others. */
export function readPortLabels(
  app: Pick<WireApp, 'labels'>,
  portIndex: number,
): { readonly labels: PortLabels; readonly problems: readonly LabelProblem[] } {
  const problems: LabelProblem[] = [];
  const raw = (name: string): string | undefined => app.labels[`HAPROXY_${portIndex}_${name}`];
  const refuse = (name: string, reason: string): undefined => {
    problems.push({ label: `HAPROXY_${portIndex}_${name}`, reason });
    return undefined;
  };
  const vhosts = readVhosts(raw('VHOST') ?? '', (reason) => refuse('VHOST', reason));
  const path = readPath(raw('PATH'), (reason) => refuse('PATH', reason));
  const mode = readMode(raw('MODE'), (reason) => refuse('MODE', reason));
  const port = readPort(raw('PORT'), (reason) => refuse('PORT', reason));
  const weight = raw('BACKEND_WEIGHT');
  return {
    problems,
    labels: {
      groups: splitList(raw('GROUP') ?? app.labels['HAPROXY_GROUP'] ?? ''),
      enabled: raw('ENABLED') === undefined || isTrue(raw('ENABLED')),
      vhosts,
      ...(path === undefined ? {} : { path }),
      ...(mode === undefined ? {} : { mode }),
      balance: readBalance(raw('BALANCE'), (reason) => refuse('BALANCE', reason)),
      sticky: isTrue(raw('STICKY')),
      backendWeight:
        weight !== undefined && /^-?\d{1,9}$/.test(weight.trim())
          ? Number(weight)
          : path === undefined
            ? 0
            : 1,
      ...(port === undefined ? {} : { port }),
    },
  };
}

type Refuse = (reason: string) => undefined;

function readVhosts(text: string, refuse: Refuse): readonly string[] {
  const hosts = [...new Set(splitList(text.toLowerCase()))];
  if (hosts.length > MAX_VHOSTS) refuse(`${hosts.length} hosts, at most ${MAX_VHOSTS} are used`);
  return hosts.slice(0, MAX_VHOSTS).filter((host) => {
    if (HOST_PATTERN.test(host) && host.length <= 253) return true;
    refuse(`"${host}" is not a host name`);
    return false;
  });
}

function readPath(text: string | undefined, refuse: Refuse): string | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  const path = text.trim();
  return PATH_PATTERN.test(path) ? path : refuse(`"${path}" is not a URL path`);
}

function readMode(text: string | undefined, refuse: Refuse): 'http' | 'tcp' | undefined {
  if (text === undefined) return undefined;
  const mode = text.trim().toLowerCase();
  return mode === 'http' || mode === 'tcp' ? mode : refuse(`"${text}" is neither http nor tcp`);
}

function readPort(text: string | undefined, refuse: Refuse): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text.trim());
  return Number.isInteger(port) && port >= 1 && port <= 65535
    ? port
    : refuse(`"${text}" is not a port 1-65535`);
}

function readBalance(text: string | undefined, refuse: Refuse): string {
  if (text === undefined) return 'roundrobin';
  const balance = text.trim().toLowerCase();
  if (DYNAMIC_BALANCE.has(balance)) return balance;
  if (balance === 'source') return 'source';
  refuse(`"${text}" is not one of ${[...DYNAMIC_BALANCE].join(', ')}, source`);
  return 'roundrobin';
}

const splitList = (text: string): readonly string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

const isTrue = (text: string | undefined): boolean =>
  text !== undefined && TRUE_WORDS.has(text.trim().toLowerCase());
