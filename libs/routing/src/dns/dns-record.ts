/** What one record of a name says. Names have no dot at the end and are in lower case. */
export type DnsRecord =
  | { readonly name: string; readonly type: 'A' | 'AAAA' | 'NS' | 'PTR'; readonly data: string }
  | { readonly name: string; readonly type: 'SRV'; readonly data: SrvData }
  /** Each text at most 255 bytes. */
  | { readonly name: string; readonly type: 'TXT'; readonly data: readonly string[] }
  | { readonly name: string; readonly type: 'SOA'; readonly data: SoaData };

export type DnsRecordType = DnsRecord['type'];

export interface SrvData {
  readonly priority: number;
  /** 0-65535. */
  readonly weight: number;
  readonly port: number;
  readonly target: string;
}

export interface SoaData {
  readonly mname: string;
  readonly rname: string;
  /** Unsigned, 32 bits; compared as RFC 1982 says. */
  readonly serial: number;
  /** Seconds, as the ones below. */
  readonly refresh: number;
  readonly retry: number;
  readonly expire: number;
  /** For how long "there is none" may be remembered. */
  readonly minimum: number;
}

/** The data as zone files write it; a record is the same as another when name, type and this are. */
export function dataTextOf(record: DnsRecord): string {
  switch (record.type) {
    case 'A':
    case 'AAAA':
    case 'NS':
    case 'PTR':
      return record.data;
    case 'SRV': {
      const { priority, weight, port, target } = record.data;
      return `${priority} ${weight} ${port} ${target}`;
    }
    case 'TXT':
      return record.data.map((text) => JSON.stringify(text)).join(' ');
    case 'SOA': {
      const { mname, rname, serial, refresh, retry, expire, minimum } = record.data;
      return `${mname} ${rname} ${serial} ${refresh} ${retry} ${expire} ${minimum}`;
    }
    default:
      return record satisfies never;
  }
}
