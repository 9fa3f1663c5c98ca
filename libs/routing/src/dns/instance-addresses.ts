import type { NamedInstance } from './app-entry.js';
import type { DnsRecord } from './dns-record.js';
import { parseIpAddress } from './ip-address.js';

/** Where an instance is reached: at addresses of its own if none of its ports is at the agent. */
export function mainPlaceOf({ ownAddresses, ports }: NamedInstance): 'agent' | 'own' {
  if (ownAddresses.length === 0 || ports.some(({ at }) => at === 'agent')) return 'agent';
  return 'own';
}

/** The addresses of one place of an instance; none while the agent's is not known. */
export function addressesOf(
  instance: NamedInstance,
  at: 'agent' | 'own' = mainPlaceOf(instance),
): readonly string[] {
  if (at === 'own') return instance.ownAddresses;
  return instance.agentAddress === undefined ? [] : [instance.agentAddress];
}

/** A and AAAA records of a name; texts that are no address are left out. */
export const addressRecords = (name: string, addresses: readonly string[]): readonly DnsRecord[] =>
  addresses.flatMap((text): readonly DnsRecord[] => {
    const address = parseIpAddress(text);
    if (address === undefined) return [];
    return [{ name, type: address.family === 4 ? 'A' : 'AAAA', data: address.text }];
  });
