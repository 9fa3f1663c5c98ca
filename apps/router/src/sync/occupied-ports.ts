import { listenerKey, type RouteListener } from '#routing';

/** Where something is to listen; without an address: on all of the edge's. */
export type ListenPlace = Pick<RouteListener, 'address' | 'port'>;

/** Whether one can be listened on now. `held`: the bind addresses of the running HAProxy, which are its own. */
export type IsPortFree = (place: ListenPlace, held: ReadonlySet<string>) => Promise<boolean>;

/** The same object whenever there is none: what was made without any is not made again for it. */
export const NONE_OCCUPIED: ReadonlySet<string> = new Set();

/** Where another program on this host listens, or nobody can. It is left out until it is free. */
export class OccupiedPorts {
  /** As {@link listenerKey} writes them; another object only when they are others. */
  ports = NONE_OCCUPIED;
  private taken: readonly ListenPlace[] = [];

  constructor(private readonly isFree: IsPortFree) {}

  /** Tries the wanted ones but for those HAProxy itself holds. */
  async probe(wanted: readonly ListenPlace[], held: ReadonlySet<string>): Promise<void> {
    const taken: ListenPlace[] = [];
    for (const place of wanted) if (!(await this.isFree(place, held))) taken.push(place);
    this.taken = taken;
    this.take(new Set(taken.map(listenerKey)));
  }

  private take(ports: ReadonlySet<string>): void {
    const isSame = ports.size === this.ports.size && [...ports].every((one) => this.ports.has(one));
    if (!isSame) this.ports = ports.size === 0 ? NONE_OCCUPIED : ports;
  }

  /** Tries those again that were taken: HAProxy holds none of them. */
  retry(): Promise<void> {
    return this.probe(this.taken, new Set());
  }
}
