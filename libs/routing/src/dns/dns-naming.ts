import { cutLabel, joinLabels, MAX_LABEL } from './dns-name.js';
import type { DnsRecord } from './dns-record.js';

/** How names are made. */
export interface DnsNaming {
  /** Apps are named below it: `web.b.a.<domain>`. */
  readonly domain: string;
  /** Domain of the Mesos-DNS names: `web-b-a.<framework>.<mesosDomain>`. */
  readonly mesosDomain: string;
  readonly framework: string;
  /** Of SRV records whose app says nothing, 0-65535. */
  readonly weight: number;
  /** SHA-1 of the text in UTF-8. */
  readonly sha1: (text: string) => Uint8Array;
}

/** What an app adds to the zone. */
export interface AppRecords {
  readonly records: readonly DnsRecord[];
  /** Names that mean this app alone; another app that claims one too is told. */
  readonly claims: readonly string[];
  readonly problems: readonly string[];
}

/** The service, and the service with the port's name in front, where there is one. Names that are too long are left out. */
export function serviceNames(
  labels: readonly string[],
  portName: string | undefined,
): readonly string[] {
  const port = cutLabel(portName ?? '', MAX_LABEL - 1);
  const names = [joinLabels(labels), port === '' ? undefined : joinLabels([`_${port}`, ...labels])];
  return names.filter((name) => name !== undefined);
}
