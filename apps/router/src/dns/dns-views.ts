import { type AppEntry, addressesOf, type DnsNaming, type DnsRecord, type DnsZone } from '#routing';
import type { AppNames } from './app-names.js';

/**
 * JSON of the zone: what Mesos-DNS serves under /v1, and lists of our own. What grows with all there is comes as pieces of
 * text, an empty one here and there, so that whoever puts them together can rest in between; the zone may change meanwhile.
 */

interface MesosHost {
  readonly host: string;
  readonly ip: string;
}

interface MesosService extends MesosHost {
  readonly service: string;
  readonly port: string;
}

/** As Mesos-DNS reads names in its URLs: in lower case, wildcards and the last dot left out. */
export const nameOf = (text: string): string =>
  text.toLowerCase().replaceAll('.*', '').replace(/\.$/, '');

/** The addresses of a host; where there are none, one that is empty. */
export function hostsView(zone: DnsZone, host: string): readonly MesosHost[] {
  const name = nameOf(host);
  const found = ipsOf(zone, name).map((ip) => ({ host: `${name}.`, ip }));
  return found.length > 0 ? found : [{ host: '', ip: '' }];
}

/** The ports of a service; where there are none, one that is empty. */
export function servicesView(zone: DnsZone, service: string): readonly MesosService[] {
  const found = zone.find(nameOf(service), 'SRV').flatMap((record): readonly MesosService[] => {
    if (record.type !== 'SRV') return [];
    const { target, port } = record.data;
    const [ip = ''] = ipsOf(zone, target);
    return [{ service, host: `${target}.`, ip, port: String(port) }];
  });
  return found.length > 0 ? found : [{ service: '', host: '', ip: '', port: '' }];
}

/** The ports of a host: of all instances of an app, or of one. Mesos-DNS has the path and never filled it. O(records). */
export function* portsView(zone: DnsZone, host: string): Iterable<string> {
  const name = nameOf(host);
  const [label = '', ...rest] = name.split('.');
  const services = ['tcp', 'udp'].map((one) => [`_${label}`, `_${one}`, ...rest].join('.'));
  const comma = separator();
  yield '[';
  for (const record of allOf(zone)) {
    yield '';
    if (record.type !== 'SRV') continue;
    const { target, port } = record.data;
    if (target !== name && !services.includes(record.name)) continue;
    const [ip = ''] = ipsOf(zone, target);
    const found = { service: `${record.name}.`, host: `${target}.`, ip, port: String(port) };
    yield comma() + JSON.stringify(found satisfies MesosService);
  }
  yield ']';
}

/** Every task with its records. `failStatic` and `app` are ours. */
export function* enumerateView(names: AppNames): Iterable<string> {
  const { naming } = names;
  const comma = separator();
  yield `{"frameworks":[{"name":${JSON.stringify(naming.framework)},"tasks":[`;
  for (const entry of entriesOf(names)) {
    const task = entry.id.split('/').filter(Boolean).toReversed().join('-');
    for (const instance of entry.instances) {
      const listed = {
        name: task,
        id: instance.taskId,
        records: names.recordsOf(entry.id, instance.taskId).flatMap(toEnumerated),
        app: entry.id,
        ...(entry.isFailStatic ? { failStatic: true } : {}),
      };
      yield comma() + JSON.stringify(listed);
    }
  }
  yield ']}]}';
}

function toEnumerated(record: DnsRecord): readonly unknown[] {
  const text = hostText(record);
  return text === undefined ? [] : [{ name: `${record.name}.`, host: text, rtype: record.type }];
}

/** As Mesos-DNS writes data: the address, or `target.:port`. */
function hostText(record: DnsRecord): string | undefined {
  if (record.type === 'A' || record.type === 'AAAA') return record.data;
  if (record.type === 'SRV') return `${record.data.target}.:${record.data.port}`;
  return undefined;
}

/** All records of a domain, by name, after what `head` has, which is not empty. O(records). */
export function* transferView(
  zone: DnsZone,
  domain: string,
  head: Readonly<Record<string, unknown>>,
): Iterable<string> {
  const sets = { A: new Map(), AAAA: new Map(), SRV: new Map() } as const satisfies Record<
    string,
    Map<string, Set<string>>
  >;
  for (const record of allOf(zone)) {
    yield '';
    const { name, type } = record;
    if (type !== 'A' && type !== 'AAAA' && type !== 'SRV') continue;
    if (!name.endsWith(`.${domain}`)) continue;
    const set: Map<string, Set<string>> = sets[type];
    const texts = set.get(`${name}.`) ?? new Set();
    set.set(`${name}.`, texts.add(hostText(record) ?? ''));
  }
  yield `${JSON.stringify(head).slice(0, -1)},"Records":{`;
  const nextType = separator();
  for (const type of ['A', 'AAAA', 'SRV'] as const) {
    yield `${nextType()}"${type}s":{`;
    const comma = separator();
    for (const [name, texts] of sets[type]) {
      yield `${comma()}${JSON.stringify(name)}:${JSON.stringify([...texts])}`;
    }
    yield '}';
  }
  yield '}}';
}

/** Every app with its names, instances and what is wrong. */
export function* appsView(names: AppNames): Iterable<string> {
  const nextApp = separator();
  yield `{"serial":${names.serial},"apps":[`;
  for (const entry of entriesOf(names)) {
    const { id, version } = entry;
    yield `${nextApp()}{"id":${JSON.stringify(id)},"version":${JSON.stringify(version)},"names":[`;
    const nextName = separator();
    for (const some of names.namesOf(entry)) {
      yield some.map((name) => nextName() + JSON.stringify(name)).join('');
    }
    yield `],"failStatic":${entry.isFailStatic},"instances":[`;
    const nextInstance = separator();
    for (const instance of entry.instances) {
      const { taskId, ports } = instance;
      yield nextInstance() + JSON.stringify({ taskId, addresses: addressesOf(instance), ports });
    }
    yield `],"problems":${JSON.stringify(names.problems.get(id) ?? [])}}`;
  }
  yield `],"conflicts":${JSON.stringify(names.zone.conflicts)}}`;
}

export interface TargetFilter {
  readonly app?: string | undefined;
  readonly port?: string | undefined;
}

/** Prometheus' HTTP service discovery: a group per app and TCP port. */
export function* targetsView(names: AppNames, filter: TargetFilter): Iterable<string> {
  const comma = separator();
  yield '[';
  for (const entry of entriesOf(names)) {
    yield '';
    if (filter.app !== undefined && filter.app !== entry.id) continue;
    for (const group of targetGroups(entry, filter, names.naming)) {
      yield comma() + JSON.stringify(group);
    }
  }
  yield ']';
}

function targetGroups(
  entry: AppEntry,
  filter: TargetFilter,
  naming: DnsNaming,
): readonly unknown[] {
  const byPort = new Map<number, { name: string; targets: string[] }>();
  for (const instance of entry.instances) {
    for (const [index, { name = '', port, at, protocols }] of instance.ports.entries()) {
      if (!protocols.includes('tcp')) continue;
      if (filter.port !== undefined && filter.port !== name && filter.port !== String(index)) {
        continue;
      }
      const group = byPort.get(index) ?? { name, targets: [] };
      byPort.set(index, group);
      for (const address of addressesOf(instance, at)) {
        group.targets.push(`${address.includes(':') ? `[${address}]` : address}:${port}`);
      }
    }
  }
  return [...byPort].map(([index, { name, targets }]) => ({
    targets,
    labels: {
      __meta_pacer_app_id: entry.id,
      __meta_pacer_app_version: entry.version,
      __meta_pacer_framework: naming.framework,
      __meta_pacer_port_index: String(index),
      __meta_pacer_port_name: name,
    },
  }));
}

const ipsOf = (zone: DnsZone, name: string): readonly string[] =>
  (['A', 'AAAA'] as const)
    .flatMap((type) => zone.find(name, type).flatMap(hostText))
    .flatMap((ip) => ip ?? []);

/** In the order of their ids, without those that go meanwhile. */
function* entriesOf({ entries }: AppNames): Iterable<AppEntry> {
  for (const id of [...entries.keys()].sort()) {
    const entry = entries.get(id);
    if (entry !== undefined) yield entry;
  }
}

/** What is put into the zone meanwhile comes last: no more of it than was there. */
function* allOf(zone: DnsZone): Iterable<DnsRecord> {
  let left = 2 * zone.size;
  for (const record of zone.all()) {
    if (left <= 0) return;
    left -= 1;
    yield record;
  }
}

/** A comma, but not the first time. */
function separator(): () => string {
  let isFirst = true;
  return () => {
    if (!isFirst) return ',';
    isFirst = false;
    return '';
  };
}
