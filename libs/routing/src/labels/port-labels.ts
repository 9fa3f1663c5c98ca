import { lex } from 'haproxy-config-parser';
import type { WireApp } from '#marathon-v2';
import { parseIpAddress } from '../dns/ip-address.js';
import { readTemplateLabels, type TemplateOverrides } from '../templates/template-labels.js';
import { type Balance, readBalance } from './balance.js';
import { readBindOptions } from './bind-options.js';
import { type HttpLabels, PATH_PATTERN, readHttpLabels } from './http-labels.js';
import { isTrueWord, type LabelProblem, LabelReader, shown, splitList } from './label-reader.js';

/** The beginning of a URL path, as HAProxy's `path_beg`. */
export interface PathPrefix {
  readonly path: string;
  readonly ignoresCase: boolean;
}

/** How HAProxy speaks to the instances. */
export interface ServerLabels {
  /** Most requests at once per instance; more wait in a queue. */
  readonly maxConnections?: number;
  /** How long a new instance takes to get its full share. */
  readonly slowStartSeconds?: number;
  readonly sendProxy?: 'v1' | 'v2';
  readonly protocol: 'http' | 'https' | 'h2' | 'h2c';
}

/**
 * What the labels of an app say about one of its ports. Names and rules: marathon-lb's HAPROXY_{n}_* labels; those it does
 * not know (TRAFFIC_WEIGHT, MAXCONN, SLOWSTART, SEND_PROXY, SERVER_PROTOCOL, SSL_PASSTHROUGH, HEALTHCHECK) are ours.
 */
export interface PortLabels extends HttpLabels {
  readonly groups: readonly string[];
  /** Undefined: not said. */
  readonly enabled?: boolean;
  /** Lower case, without duplicates. */
  readonly vhosts: readonly string[];
  /** Empty: the whole host. */
  readonly paths: readonly PathPrefix[];
  readonly mode?: 'http' | 'tcp';
  readonly balance: Balance;
  readonly sticky: boolean;
  /** Orders rules of one host, larger first. */
  readonly backendWeight: number;
  /** Share of the traffic among the apps of a deployment group, 0..256. */
  readonly trafficWeight?: number;
  /** Listen port instead of the service port. */
  readonly port?: number;
  /** Address to listen on instead of the edge's. */
  readonly bindAddress?: string;
  /** That address cannot be used: the port listens nowhere, rather than on addresses it was to be kept from. */
  readonly isUnbound: boolean;
  /** Words for the bind line. */
  readonly bindOptions: readonly string[];
  /** Certificates of the listen port: files, or names of uploaded ones. */
  readonly certificates: readonly string[];
  /** TLS is not ended here: the connection goes to the instance by the name in its hello. */
  readonly passthrough: boolean;
  readonly allowedNetworks: readonly string[];
  /** A label that is to close the port says nothing: the port is not published. */
  readonly isWithheld: boolean;
  /** HAProxy checks the instances as the app's own health check says. */
  readonly healthcheck: boolean;
  readonly healthcheckPortIndex?: number;
  readonly server: ServerLabels;
  readonly templates: TemplateOverrides;
}

const HOST_PATTERN = /^(\*\.)?[a-z0-9]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9_-]*[a-z0-9])?)*$/;
const MAX_HOST_LENGTH = 253;
const CERTIFICATE_PATTERN = /^[A-Za-z0-9._/@+-]{1,255}$/;
const SECONDS_PATTERN = /^(\d{1,4})s?$/;
const MAX_VHOSTS = 64;
const MAX_PATHS = 32;
const MAX_NETWORKS = 50;
const MAX_SLOW_START_SECONDS = 3_600;
const MAX_CONNECTIONS = 1_000_000;
const SERVER_PROTOCOLS = ['http', 'https', 'h2', 'h2c'] as const;

/** Reads the labels of one port, with what could not be used. */
export function readPortLabels(
  app: Pick<WireApp, 'labels'>,
  portIndex: number,
): { readonly labels: PortLabels; readonly problems: readonly LabelProblem[] } {
  const reader = new LabelReader(app.labels, portIndex);
  const vhosts = readVhosts(reader);
  const paths = readPaths(reader);
  const isPathLost = paths.length === 0 && reader.text('PATH') !== undefined;
  if (paths.length > 0 && vhosts.length === 0) {
    reader.refuse('PATH', `has no effect without HAPROXY_${portIndex}_VHOST`);
  }
  const mode = readWord(reader, 'MODE', ['http', 'tcp'] as const);
  const bindAddress = readBindAddress(reader);
  const labels: PortLabels = {
    groups: splitList(reader.text('GROUP') ?? app.labels['HAPROXY_GROUP'] ?? ''),
    ...optional('enabled', readEnabled(reader)),
    // What asked for a part of a host must not get all of it.
    vhosts: isPathLost ? [] : vhosts,
    paths,
    ...optional('mode', mode),
    balance: readBalance(reader),
    sticky: reader.isTrue('STICKY'),
    backendWeight: reader.integer('BACKEND_WEIGHT', WEIGHT_RANGE) ?? (paths.length > 0 ? 1 : 0),
    ...optional('trafficWeight', reader.integer('TRAFFIC_WEIGHT', { min: 0, max: 256 })),
    ...optional('port', reader.integer('PORT', { min: 1, max: 65_535 })),
    ...optional('bindAddress', bindAddress),
    isUnbound: bindAddress === undefined && reader.text('BIND_ADDR') !== undefined,
    bindOptions: readBindOptions(reader),
    certificates: readCertificates(reader),
    passthrough: reader.isTrue('SSL_PASSTHROUGH'),
    allowedNetworks: readNetworks(reader),
    isWithheld: isWithheld(reader),
    healthcheck: reader.text('HEALTHCHECK') === undefined || reader.isTrue('HEALTHCHECK'),
    ...optional(
      'healthcheckPortIndex',
      reader.integer('BACKEND_HEALTHCHECK_PORT_INDEX', { min: 0, max: 1_000 }),
    ),
    server: readServerLabels(reader),
    ...readHttpLabels(reader),
    templates: readTemplateLabels(reader),
  };
  return { labels, problems: reader.problems };
}

const WEIGHT_RANGE = { min: -1_000_000_000, max: 1_000_000_000 } as const;

const optional = <K extends string, V>(key: K, value: V | undefined) =>
  (value === undefined ? {} : { [key]: value }) as { readonly [key in K]?: V };

const readEnabled = (reader: LabelReader): boolean | undefined => {
  const text = reader.text('ENABLED');
  return text === undefined ? undefined : isTrueWord(text);
};

function readVhosts(reader: LabelReader): readonly string[] {
  const hosts = [...new Set(splitList((reader.text('VHOST') ?? '').toLowerCase()))];
  if (hosts.length > MAX_VHOSTS) {
    reader.refuse('VHOST', `${hosts.length} hosts, at most ${MAX_VHOSTS} are used`);
  }
  return hosts.slice(0, MAX_VHOSTS).filter((host) => {
    if (HOST_PATTERN.test(host) && host.length <= MAX_HOST_LENGTH) return true;
    reader.refuse('VHOST', `${shown(host)} is not a host name`);
    return false;
  });
}

/** The arguments of `path_beg`: prefixes separated by blanks, with `-i` before them for any case. */
function readPaths(reader: LabelReader): readonly PathPrefix[] {
  const text = reader.text('PATH');
  if (text === undefined) return [];
  const words = lex(text).values;
  const ignoresCase = words[0] === '-i';
  const paths = [...new Set(ignoresCase ? words.slice(1) : words)];
  if (paths.length > MAX_PATHS) {
    reader.refuse('PATH', `${paths.length} paths, at most ${MAX_PATHS} are used`);
  }
  return paths
    .slice(0, MAX_PATHS)
    .filter((path) => {
      if (PATH_PATTERN.test(path)) return true;
      reader.refuse('PATH', `${shown(path)} is not a URL path`);
      return false;
    })
    .map((path) => ({ path, ignoresCase }));
}

function readWord<T extends string>(
  reader: LabelReader,
  name: string,
  words: readonly T[],
): T | undefined {
  const text = reader.text(name);
  if (text === undefined) return undefined;
  const word = words.find((one) => one === text.toLowerCase());
  return word ?? reader.refuse(name, `${shown(text)} is not one of ${words.join(', ')}`);
}

/** In one form, so that equal addresses are seen to be equal. */
function readBindAddress(reader: LabelReader): string | undefined {
  const text = reader.text('BIND_ADDR');
  if (text === undefined || text === '*') return text;
  const address = parseIpAddress(text.replace(/^\[(.*)\]$/, '$1'))?.text;
  const problem = `${shown(text)} is not an IP address or *; the port is not listened on`;
  return address ?? reader.refuse('BIND_ADDR', problem);
}

function readCertificates(reader: LabelReader): readonly string[] {
  return splitList(reader.text('SSL_CERT') ?? '').filter((name) => {
    if (CERTIFICATE_PATTERN.test(name) && !name.split('/').includes('..')) return true;
    reader.refuse('SSL_CERT', `${shown(name)} is neither a file nor the name of a certificate`);
    return false;
  });
}

const CLOSING_LABELS = ['AUTH', 'BACKEND_NETWORK_ALLOWED_ACL'] as const;

function isWithheld(reader: LabelReader): boolean {
  const blank = CLOSING_LABELS.filter((name) => reader.isBlank(name));
  for (const name of blank) {
    reader.refuse(name, 'is blank, so it is not known who may ask; the port is not published');
  }
  return blank.length > 0;
}

/** A list that says nothing usable must not open what it was to close: nobody is allowed then. */
function readNetworks(reader: LabelReader): readonly string[] {
  const text = reader.text('BACKEND_NETWORK_ALLOWED_ACL');
  if (text === undefined) return [];
  const words = text.split(/[\s,]+/).filter((word) => word !== '');
  if (words.length > MAX_NETWORKS) {
    reader.refuse(
      'BACKEND_NETWORK_ALLOWED_ACL',
      `${words.length} networks, at most ${MAX_NETWORKS} are used`,
    );
  }
  const networks = words.slice(0, MAX_NETWORKS).flatMap((word) => {
    const network = toNetwork(word);
    if (network !== undefined) return [network];
    reader.refuse('BACKEND_NETWORK_ALLOWED_ACL', `${shown(word)} is not an address or network`);
    return [];
  });
  return networks.length > 0 ? networks : [NOBODY];
}

/** `ADDRESS` or `ADDRESS/BITS`. */
function toNetwork(word: string): string | undefined {
  const [, text = '', bits] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(word) ?? [];
  const address = parseIpAddress(text);
  if (address === undefined || Number(bits ?? 0) > (address.family === 4 ? 32 : 128)) {
    return undefined;
  }
  return bits === undefined ? address.text : `${address.text}/${Number(bits)}`;
}

/** An address no client has. */
const NOBODY = '255.255.255.255';

function readServerLabels(reader: LabelReader): ServerLabels {
  const maxConnections = reader.integer('MAXCONN', { min: 1, max: MAX_CONNECTIONS });
  const slowStartSeconds = readSlowStart(reader);
  const sendProxy = readWord(reader, 'SEND_PROXY', ['v1', 'v2', 'true'] as const);
  return {
    ...optional('maxConnections', maxConnections),
    ...optional('slowStartSeconds', slowStartSeconds),
    ...optional('sendProxy', sendProxy === 'true' ? 'v2' : sendProxy),
    protocol: readWord(reader, 'SERVER_PROTOCOL', SERVER_PROTOCOLS) ?? 'http',
  };
}

function readSlowStart(reader: LabelReader): number | undefined {
  const text = reader.text('SLOWSTART');
  if (text === undefined) return undefined;
  const seconds = Number(SECONDS_PATTERN.exec(text)?.[1]);
  if (seconds >= 1 && seconds <= MAX_SLOW_START_SECONDS) return seconds;
  return reader.refuse('SLOWSTART', `${shown(text)} is not 1 to ${MAX_SLOW_START_SECONDS} seconds`);
}
