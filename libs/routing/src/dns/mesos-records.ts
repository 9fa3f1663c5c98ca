import type { AppEntry, NamedInstance } from './app-entry.js';
import { cutLabel, joinLabels, MAX_LABEL } from './dns-name.js';
import { type DnsNaming, serviceNames } from './dns-naming.js';
import type { DnsRecord } from './dns-record.js';
import { addressesOf, addressRecords, mainPlaceOf } from './instance-addresses.js';
import { zbase32 } from './zbase32.js';

const HASH_LENGTH = 5;
/** Mesos-DNS marks the names of agents' addresses by it, as masters called agents then. */
const AGENT_LABEL = 'slave';

/** The name an app has there: `/a/b/web` is `web-b-a.<framework>.<domain>`, cut at 63 characters as Mesos-DNS cuts. */
export function mesosNames(id: string, { framework, mesosDomain }: DnsNaming): readonly string[] {
  const name = joinLabels([taskLabel(id), framework, mesosDomain]);
  return name === undefined ? [] : [name];
}

/**
 * The records Mesos-DNS gives a task: addresses at the app's name and at a canonical one, with `.slave.` for those of the
 * agent, and SRV records per protocol and port name.
 */
export function toMesosRecords(
  app: Pick<AppEntry, 'id' | 'weight'>,
  instance: NamedInstance,
  naming: DnsNaming,
): readonly DnsRecord[] {
  const { framework, mesosDomain } = naming;
  const task = taskLabel(app.id);
  const domains = {
    main: `${framework}.${mesosDomain}`,
    agent: `${framework}.${AGENT_LABEL}.${mesosDomain}`,
  };
  const canonical = canonicalLabel(task, instance, naming);
  const weight = app.weight ?? naming.weight;
  return [
    ...nameRecords(instance, { task, canonical, domain: domains.main }),
    ...nameRecords(instance, { task, canonical, domain: domains.agent, at: 'agent' }),
    ...serviceRecords(instance, { task, canonical, domains, weight }),
  ];
}

const taskLabel = (id: string): string =>
  cutLabel(id.split('/').filter(Boolean).toReversed().join('.'));

/** `web-b-a-<hash of the task id>-<tail of the agent id>`; the first part gives way when all is too long for a label. */
function canonicalLabel(task: string, instance: NamedInstance, { sha1 }: DnsNaming): string {
  const agent = cutLabel(instance.agentId.slice(instance.agentId.lastIndexOf('-') + 1), 20);
  const hash = zbase32(sha1(instance.taskId), HASH_LENGTH);
  const tail = agent === '' ? hash : `${hash}-${agent}`;
  return `${cutLabel(task, MAX_LABEL - 1 - tail.length)}-${tail}`;
}

function nameRecords(
  instance: NamedInstance,
  names: {
    readonly task: string;
    readonly canonical: string;
    readonly domain: string;
    readonly at?: 'agent';
  },
): readonly DnsRecord[] {
  const addresses = addressesOf(instance, names.at);
  return [names.task, names.canonical].flatMap((label) => {
    const name = joinLabels([label, names.domain]);
    return name === undefined ? [] : addressRecords(name, addresses);
  });
}

/** Ports at the agent are also below `.slave.`; those of containers with addresses of their own are not. */
function serviceRecords(
  instance: NamedInstance,
  service: {
    readonly task: string;
    readonly canonical: string;
    readonly domains: { readonly main: string; readonly agent: string };
    readonly weight: number;
  },
): readonly DnsRecord[] {
  const { task, canonical, domains, weight } = service;
  const records: DnsRecord[] = [];
  for (const { at, port, name, protocols } of instance.ports) {
    if (addressesOf(instance, at).length === 0) continue;
    // A target has the addresses of one place only.
    const isMain = at === mainPlaceOf(instance);
    const places = [...(isMain ? [domains.main] : []), ...(at === 'agent' ? [domains.agent] : [])];
    for (const protocol of protocols) {
      for (const domain of places) {
        const target = `${canonical}.${domain}`;
        const data = { priority: 0, weight, port, target };
        const labels = [`_${cutLabel(task, MAX_LABEL - 1)}`, `_${protocol}`, domain];
        for (const one of serviceNames(labels, name)) {
          records.push({ name: one, type: 'SRV', data });
        }
      }
    }
  }
  return records;
}
