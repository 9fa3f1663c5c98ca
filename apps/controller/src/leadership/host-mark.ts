import { readFileSync, readlinkSync } from 'node:fs';

/**
 * The same for all processes that cannot listen at one address at the same time: the boot of the host and its network
 * namespace. Undefined where the system does not tell.
 */
export function readHostMark(): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot}.${readlinkSync('/proc/self/ns/net')}`;
  } catch {
    return undefined;
  }
}
