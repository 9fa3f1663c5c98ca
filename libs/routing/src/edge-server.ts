/** A place requests can go to, as HAProxy is told of it. */
export interface EdgeServer {
  readonly name: string;
  /** IPv4 or IPv6, without brackets. */
  readonly address: string;
  readonly port: number;
  /** `maint`: finishes its sessions, gets no new one. */
  readonly state: 'ready' | 'maint';
  readonly weight: number;
  /** Where HAProxy checks it, when that is another port. */
  readonly checkPort?: number;
}
