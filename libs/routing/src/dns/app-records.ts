import type { AppEntry, NamedInstance } from './app-entry.js';
import { cutLabel, joinLabels, MAX_LABEL, MAX_NAME, toLabelText } from './dns-name.js';
import { type AppRecords, type DnsNaming, serviceNames } from './dns-naming.js';
import type { DnsRecord } from './dns-record.js';
import { addressesOf, addressRecords, mainPlaceOf } from './instance-addresses.js';
import { parseIpAddress } from './ip-address.js';
import { mesosNames, toMesosRecords } from './mesos-records.js';
import { zbase32 } from './zbase32.js';

/** First label below the domain of the names for routers: `web.b.a.vip.<domain>`. */
const VIP_LABEL = 'vip';
const HASH_LENGTH = 8;
const MAX_TXT = 255;

/**
 * What an app has in both domains beside its instances. `/a/b/web` is `web.b.a.<domain>`. An id that cannot be named is told,
 * and its instances have no names either.
 */
export function toAppRecords(entry: AppEntry, naming: DnsNaming): AppRecords {
  const { name } = namesOfApp(entry.id, naming);
  if (name === undefined) {
    const reason = `app ${entry.id}: no name below ${naming.domain} has up to ${MAX_NAME} characters`;
    return { records: [], claims: [], problems: [...entry.problems, reason] };
  }
  return {
    records: [{ name, type: 'TXT', data: [txt('version', entry.version)] }],
    claims: [name, ...mesosNames(entry.id, naming)],
    problems: entry.problems,
  };
}

/**
 * The records of one instance: its own name `i-<hash>` below the app's, the same as long as it lives; its addresses there
 * and at the app's name; its ports; the way back; and all of that in the Mesos-DNS domain. O(ports).
 */
export function toInstanceRecords(
  entry: Pick<AppEntry, 'id' | 'weight'>,
  instance: NamedInstance,
  naming: DnsNaming,
): AppRecords {
  const { name, labels } = namesOfApp(entry.id, naming);
  if (name === undefined) return { records: [], claims: [], problems: [] };
  const label = instanceLabel(instance, naming);
  const [own, other] = [joinLabels([label, name]), joinLabels([`own-${label}`, name])];
  if (own === undefined || other === undefined) {
    const reason = `task ${instance.taskId}: a name below ${name} is above ${MAX_NAME} characters`;
    return { records: [], claims: [], problems: [reason] };
  }
  const records = [
    ...namesOf({ instance, name, own }),
    ...servicesOf({ entry, instance, naming, labels, own, other }),
    ...toMesosRecords(entry, instance, naming),
  ];
  return { records, claims: [], problems: [] };
}

/** An app that routers serve, and where they listen for it. */
export interface RoutedApp {
  readonly id: string;
  readonly ports: readonly { readonly port: number; readonly name?: string }[];
}

/** `web.b.a.vip.<domain>`: the routers that lead to the app, with SRV records of their listen ports. */
export function toVipRecords(
  app: RoutedApp,
  addresses: readonly string[],
  naming: DnsNaming,
): AppRecords {
  const { labels } = namesOfApp(app.id, naming);
  const domain = `${VIP_LABEL}.${naming.domain}`;
  const name = joinLabels([...labels, domain]);
  if (labels.length === 0 || name === undefined) return { records: [], claims: [], problems: [] };
  const services = app.ports.flatMap(({ port, name: portName }) => {
    const data = { priority: 0, weight: naming.weight, port, target: name };
    return serviceNames(serviceLabels(labels, 'tcp', domain), portName).map(
      (service): DnsRecord => ({ name: service, type: 'SRV', data }),
    );
  });
  const records = [...addressRecords(name, addresses), ...services];
  return { records, claims: [name], problems: [] };
}

function namesOfApp(
  id: string,
  naming: DnsNaming,
): { readonly name: string | undefined; readonly labels: readonly string[] } {
  const labels = appLabels(id, naming);
  const name = labels.length === 0 ? undefined : joinLabels([...labels, naming.domain]);
  return { name, labels };
}

/** From the innermost label outwards; a dot in a path segment parts labels too. */
const appLabels = (id: string, naming: DnsNaming): readonly string[] =>
  id
    .split('/')
    .toReversed()
    .flatMap((segment) => segment.split('.'))
    .map(toLabelText)
    .filter((label) => label !== '')
    .map((label) => shortLabel(label, naming));

/** A label that is too long ends in a hash of all of it, so that two do not come out alike. */
function shortLabel(label: string, { sha1 }: DnsNaming): string {
  if (label.length <= MAX_LABEL) return label;
  const head = cutLabel(label, MAX_LABEL - 1 - HASH_LENGTH);
  return `${head}-${zbase32(sha1(label), HASH_LENGTH)}`;
}

/** Of the instance, not of the launch: a resident instance keeps it when it is started again. */
function instanceLabel({ taskId }: NamedInstance, { sha1 }: DnsNaming): string {
  const instance = taskId.replace(/\._app\.\d+$/, '');
  return `i-${zbase32(sha1(instance), HASH_LENGTH)}`;
}

function namesOf(of: {
  readonly instance: NamedInstance;
  readonly name: string;
  readonly own: string;
}): readonly DnsRecord[] {
  const { instance, name, own } = of;
  const addresses = addressesOf(instance);
  const data = [txt('version', instance.version), txt('task', instance.taskId)];
  const reverse = addresses.flatMap((address): readonly DnsRecord[] => {
    const reverseName = parseIpAddress(address)?.reverseName;
    return reverseName === undefined ? [] : [{ name: reverseName, type: 'PTR', data: own }];
  });
  return [
    ...addressRecords(name, addresses),
    ...addressRecords(own, addresses),
    { name: own, type: 'TXT', data },
    ...reverse,
  ];
}

/** `_web._tcp.b.a.<domain>` for every port, and `_http._web._tcp.b.a.<domain>` for one with a name. */
function servicesOf(of: {
  readonly entry: Pick<AppEntry, 'weight'>;
  readonly instance: NamedInstance;
  readonly naming: DnsNaming;
  readonly labels: readonly string[];
  readonly own: string;
  /** The instance's name for ports at its own address, where others are at the agent's. */
  readonly other: string;
}): readonly DnsRecord[] {
  const { entry, instance, naming, labels, own, other } = of;
  const records: DnsRecord[] = [];
  const main = mainPlaceOf(instance);
  for (const { at, port, name, protocols } of instance.ports) {
    const addresses = addressesOf(instance, at);
    if (addresses.length === 0) continue;
    const target = at === main ? own : other;
    if (at !== main) records.push(...addressRecords(target, addresses));
    const data = { priority: 0, weight: entry.weight ?? naming.weight, port, target };
    for (const protocol of protocols) {
      for (const service of serviceNames(serviceLabels(labels, protocol, naming.domain), name)) {
        records.push({ name: service, type: 'SRV', data });
      }
    }
  }
  return records;
}

const serviceLabels = (
  [app = '', ...groups]: readonly string[],
  protocol: 'tcp' | 'udp',
  domain: string,
): readonly string[] => [`_${cutLabel(app, MAX_LABEL - 1)}`, `_${protocol}`, ...groups, domain];

/** `key=value` in printable ASCII, cut at what a text can hold. */
const txt = (key: string, value: string): string =>
  `${key}=${value}`.replace(/[^ -~]/g, '?').slice(0, MAX_TXT);
