import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  type AppEntry,
  addressesOf,
  type DnsNaming,
  type DnsRecord,
  type DnsZone,
  toInstanceRecords,
} from '#routing';
import type { AppNames } from './app-names.js';

/** JSON of the zone: what Mesos-DNS serves under /v1, and lists of our own. */

interface MesosHost {
  readonly host: string;
  readonly ip: string;
}

interface MesosService extends MesosHost {
  readonly service: string;
  readonly port: string;
}

/** Apps turned to JSON before questions get their turn. */
const SLICE = 20;

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
export function portsView(zone: DnsZone, host: string): readonly MesosService[] {
  const name = nameOf(host);
  const [label = '', ...rest] = name.split('.');
  const services = ['tcp', 'udp'].map((one) => [`_${label}`, `_${one}`, ...rest].join('.'));
  const found: MesosService[] = [];
  for (const record of zone.all()) {
    if (record.type !== 'SRV') continue;
    const { target, port } = record.data;
    if (target !== name && !services.includes(record.name)) continue;
    const [ip = ''] = ipsOf(zone, target);
    found.push({ service: `${record.name}.`, host: `${target}.`, ip, port: String(port) });
  }
  return found;
}

/** Every task with its records. `failStatic` and `app` are ours. */
export async function enumerateView(names: AppNames): Promise<unknown> {
  const { naming } = names;
  const tasks: unknown[] = [];
  await forEachEntry(names, (entry) => {
    const task = entry.id.split('/').filter(Boolean).toReversed().join('-');
    for (const instance of entry.instances) {
      const { records } = toInstanceRecords(entry, instance, naming);
      tasks.push({
        name: task,
        id: instance.taskId,
        records: records.flatMap(toEnumerated),
        app: entry.id,
        ...(entry.isFailStatic ? { failStatic: true } : {}),
      });
    }
  });
  return { frameworks: [{ name: naming.framework, tasks }] };
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

/** All records of a domain, by name. O(records). */
export function transferView(
  zone: DnsZone,
  domain: string,
): Readonly<Record<'As' | 'AAAAs' | 'SRVs', Readonly<Record<string, readonly string[]>>>> {
  const sets = { A: new Map(), AAAA: new Map(), SRV: new Map() } as const satisfies Record<
    string,
    Map<string, string[]>
  >;
  for (const record of zone.all()) {
    const { name, type } = record;
    if (type !== 'A' && type !== 'AAAA' && type !== 'SRV') continue;
    if (!name.endsWith(`.${domain}`)) continue;
    const set: Map<string, string[]> = sets[type];
    const list = set.get(`${name}.`) ?? [];
    set.set(`${name}.`, list);
    list.push(hostText(record) ?? '');
  }
  const toObject = (set: Map<string, string[]>) => Object.fromEntries(set);
  return { As: toObject(sets.A), AAAAs: toObject(sets.AAAA), SRVs: toObject(sets.SRV) };
}

/** Every app with its names, instances and what is wrong. */
export async function appsView(names: AppNames): Promise<unknown> {
  const apps: unknown[] = [];
  await forEachEntry(names, (entry) => {
    apps.push({
      id: entry.id,
      version: entry.version,
      names: names.namesOf(entry),
      failStatic: entry.isFailStatic,
      instances: entry.instances.map((instance) => ({
        taskId: instance.taskId,
        addresses: addressesOf(instance),
        ports: instance.ports,
      })),
      problems: names.problems.get(entry.id) ?? [],
    });
  });
  return { serial: names.serial, apps, conflicts: names.zone.conflicts };
}

export interface TargetFilter {
  readonly app?: string | undefined;
  readonly port?: string | undefined;
}

/** Prometheus' HTTP service discovery: a group per app and TCP port. */
export async function targetsView(names: AppNames, filter: TargetFilter): Promise<unknown> {
  const groups: unknown[] = [];
  await forEachEntry(names, (entry) => {
    if (filter.app !== undefined && filter.app !== entry.id) return;
    groups.push(...targetGroups(entry, filter, names.naming));
  });
  return groups;
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

/** In the order of their ids, with rests: an answer must not wait for a list. */
async function forEachEntry(names: AppNames, visit: (entry: AppEntry) => void): Promise<void> {
  const ids = [...names.entries.keys()].sort();
  for (const [index, id] of ids.entries()) {
    const entry = names.entries.get(id);
    if (entry !== undefined) visit(entry);
    if (index % SLICE === SLICE - 1) await nextTurn();
  }
}
