import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';

interface KnownHost {
  readonly address: string | undefined;
  readonly askedAtMs: number;
}

/** Names of hosts kept; the one asked for longest ago gives way. */
const MAX_HOSTS = 20_000;
/** How long what a name means is believed, and how long it is not asked for again after a failure. */
const KEPT_MS = 60_000;
const MAX_LOOKUPS = 4;
const MAX_WAITING = 20_000;

/**
 * Addresses of the hosts tasks run on. Agents may be known by names, and records hold addresses. Nobody waits: a name that
 * is not known yet is looked up, and `onChange` told. A name that cannot be resolved any more keeps its address.
 */
export class TaskHosts {
  private readonly hosts = new Map<string, KnownHost>();
  private readonly waiting = new Set<string>();
  private lookups = 0;

  constructor(
    private readonly onChange: (host: string) => void,
    private readonly resolve: (host: string) => Promise<string> = async (host) =>
      (await lookup(host)).address,
  ) {}

  /** The address, if it is one or is known; a name that was asked for too long ago is looked up again. */
  addressOf(host: string): string | undefined {
    if (host === '' || isIP(host) !== 0) return host;
    const known = this.hosts.get(host);
    const isFresh = known !== undefined && performance.now() - known.askedAtMs < KEPT_MS;
    if (!isFresh && this.waiting.size < MAX_WAITING) {
      this.waiting.add(host);
      this.lookUp();
    }
    return known?.address;
  }

  private lookUp(): void {
    for (const host of this.waiting) {
      if (this.lookups >= MAX_LOOKUPS) return;
      this.waiting.delete(host);
      this.lookups += 1;
      const known = this.hosts.get(host);
      this.remember(host, known?.address);
      this.resolve(host)
        .then((address) => {
          this.remember(host, address);
          if (address !== known?.address) this.onChange(host);
        })
        .catch(() => undefined)
        .finally(() => {
          this.lookups -= 1;
          this.lookUp();
        });
    }
  }

  private remember(host: string, address: string | undefined): void {
    this.hosts.delete(host);
    this.hosts.set(host, { address, askedAtMs: performance.now() });
    const [oldest] = this.hosts.keys();
    if (this.hosts.size > MAX_HOSTS && oldest !== undefined) this.hosts.delete(oldest);
  }
}
