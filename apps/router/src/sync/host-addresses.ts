import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { WireApp } from '#marathon-v2';

interface KnownHost {
  /** Undefined: not known yet. */
  readonly address: string | undefined;
  readonly usedAtMs: number;
}

/** Looked up at once. They take threads that files are written with too, of which there are four. */
const MAX_LOOKUPS = 2;
/** Names that are known; the one used longest ago gives way. */
const MAX_HOSTS = 20_000;
/** Longer than any name in use is not read: it is forgotten. */
const UNUSED_MS = 900_000;
/** How long a read waits for names that it is the first to have. */
const FIRST_WAIT_MS = 2_000;
/** News within this time are told together: what follows is a read of everything. */
const NEWS_PAUSE_MS = 1_000;

export interface HostAddressesOptions {
  /** Addresses differ from those given out: apps are to be read again. */
  readonly onChange: () => void;
  /** All addresses of a name. */
  readonly resolve?: (name: string) => Promise<readonly string[]>;
  /** The monotonic clock. */
  readonly nowMs?: () => number;
}

/**
 * HAProxy resolves the names of servers in its file once, and of those added at run time never; so host names of agents become
 * addresses here, and are looked up again with each `refresh`. A name that cannot be resolved any more keeps its address, and
 * so does one that still has it among others: an order of addresses that changes moves nobody.
 */
export class HostAddresses {
  private readonly hosts = new Map<string, KnownHost>();
  private readonly waiting = new Set<string>();
  private readonly underWay = new Set<string>();
  private awaited: { readonly names: Set<string>; readonly done: () => void } | undefined;
  private newsTimer: NodeJS.Timeout | undefined;
  private isStopped = false;

  constructor(private readonly options: HostAddressesOptions) {}

  /**
   * The apps with addresses in place of the names that are known; the same objects where there are none. Waits up to 2 s for
   * names that are new. Calls must not overlap.
   */
  async applyTo(apps: readonly WireApp[]): Promise<readonly WireApp[]> {
    const names = new Set(
      apps.flatMap((app) => (app.tasks ?? []).map(({ host }) => host)).filter(isName),
    );
    if (names.size === 0) return apps;
    const unknown = [...names].filter((name) => !this.hosts.has(name));
    for (const name of names) this.remember(name, this.hosts.get(name)?.address);
    if (unknown.length > 0) await this.firstAnswers(unknown);
    return apps.map((app) => this.withAddresses(app));
  }

  /** Looks every name up again that is in use, a few at once, in the background. */
  refresh(): void {
    const oldestMs = this.nowMs() - UNUSED_MS;
    for (const [name, { usedAtMs }] of this.hosts) {
      if (usedAtMs < oldestMs) this.hosts.delete(name);
      else this.waiting.add(name);
    }
    this.lookUp();
  }

  /** `name address` of a former life: they stand until DNS says otherwise. */
  recall(list: readonly string[]): void {
    for (const line of list) {
      const [name = '', address = ''] = line.split(' ');
      if (isName(name) && isIP(address) !== 0) this.remember(name, address);
    }
    this.refresh();
  }

  /** What is known, as `recall` takes it. */
  list(): readonly string[] {
    return [...this.hosts].flatMap(([name, { address }]) =>
      address === undefined ? [] : [`${name} ${address}`],
    );
  }

  stop(): void {
    this.isStopped = true;
    this.waiting.clear();
    clearTimeout(this.newsTimer);
    this.awaited?.done();
  }

  private firstAnswers(names: readonly string[]): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.awaited = undefined;
        resolve();
      };
      const timer = setTimeout(done, FIRST_WAIT_MS);
      this.awaited = { names: new Set(names), done };
      for (const name of names) this.waiting.add(name);
      this.lookUp();
    });
  }

  private lookUp(): void {
    for (const name of this.waiting) {
      if (this.underWay.size >= MAX_LOOKUPS || this.isStopped) return;
      this.waiting.delete(name);
      if (this.underWay.has(name)) continue;
      this.underWay.add(name);
      void (this.options.resolve ?? resolveByLookup)(name)
        .catch((): readonly string[] => [])
        .then((addresses) => this.note(name, addresses))
        .finally(() => {
          this.underWay.delete(name);
          this.lookUp();
        });
    }
  }

  private note(name: string, addresses: readonly string[]): void {
    const known = this.hosts.get(name);
    const [first] = addresses;
    if (known !== undefined && first !== undefined && !addresses.includes(known.address ?? '')) {
      this.hosts.set(name, { ...known, address: first });
      if (this.awaited?.names.has(name) !== true) this.tellLater();
    }
    const { awaited } = this;
    awaited?.names.delete(name);
    if (awaited?.names.size === 0) awaited.done();
  }

  private tellLater(): void {
    if (this.isStopped) return;
    this.newsTimer ??= setTimeout(() => {
      this.newsTimer = undefined;
      this.options.onChange();
    }, NEWS_PAUSE_MS);
  }

  /** The most recently used ones stand last. */
  private remember(name: string, address: string | undefined): void {
    this.hosts.delete(name);
    this.hosts.set(name, { address, usedAtMs: this.nowMs() });
    const [oldest] = this.hosts.keys();
    if (this.hosts.size > MAX_HOSTS && oldest !== undefined) this.hosts.delete(oldest);
  }

  private nowMs(): number {
    return (this.options.nowMs ?? (() => performance.now()))();
  }

  private withAddresses(app: WireApp): WireApp {
    if (app.tasks?.some(({ host }) => isName(host)) !== true) return app;
    const tasks = app.tasks.map((task) => ({
      ...task,
      host: this.hosts.get(task.host)?.address ?? task.host,
    }));
    return { ...app, tasks };
  }
}

const isName = (host: string): boolean => host !== '' && isIP(host) === 0;

/** With /etc/hosts, as all else on this host resolves names. */
const resolveByLookup = async (name: string): Promise<readonly string[]> =>
  (await lookup(name, { all: true })).map(({ address }) => address);
