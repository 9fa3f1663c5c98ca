import type { EdgeMap } from '../edge-maps.js';

/** Where this edge listens and keeps its files. Ports 1-65535, times in seconds. */
export interface EdgeSettings {
  /** Addresses every listener binds to, IPv4 or IPv6 without brackets, or `*`. */
  readonly bindAddresses: readonly string[];
  readonly httpPort: number;
  /** Undefined: no TLS by host name. */
  readonly tls?: EdgeTls | undefined;
  /** Where apps are found by the header X-Marathon-App-Id; undefined: nowhere. */
  readonly appsPort?: number | undefined;
  /** What connects to the HTTP and TLS ports begins with a PROXY protocol header: there is a balancer before this edge. */
  readonly acceptsProxy?: boolean;
  readonly statsSocket: string;
  readonly mapFiles: Readonly<Record<EdgeMap, string>>;
  readonly sockets: EdgeSockets;
  /** Folder of the certificates that apps name. */
  readonly certificateDirectory: string;
  /** Longest life of an old worker after a reload. */
  readonly hardStopSeconds: number;
  /** The operator's own haproxy.cfg, into which the edge is written. */
  readonly baseConfig?: string | undefined;
}

/**
 * Unix sockets, by path, over which workers speak to each other. Abstract ones would not do: HAProxy cannot pause them, and a
 * worker that cannot pause ends when its successor fails to start.
 */
export interface EdgeSockets {
  /** What a former worker still gets over HTTP, and over TLS. */
  readonly http: string;
  readonly https: string;
  /** TLS that is ended here, behind what passes some of it through. */
  readonly tls: string;
}

export interface EdgeTls {
  readonly port: number;
  /** The crt-list file. */
  readonly certificateList: string;
  /** The first certificate of the list answers for names without one; else their handshake is refused. */
  readonly hasDefaultCertificate: boolean;
}

/** The lines of a section, as words. */
export type Words = readonly string[];

/** `address:port` for `bind` and `server` lines. */
export const toSocketAddress = (address: string, port: number): string =>
  address.includes(':')
    ? `ipv6@[${address.replace(/^\[|\]$/g, '')}]:${port}`
    : `${address}:${port}`;
