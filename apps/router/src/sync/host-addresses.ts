import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { WireApp } from '#marathon-v2';

/** Names looked up at once. */
const MAX_LOOKUPS = 16;
const LOOKUP_TIMEOUT_MS = 2_000;

/**
 * A server added at run time is never resolved by HAProxy, so host names of agents become addresses here, once. A name that
 * is not resolved is tried again with the next app that has it.
 */
export class HostAddresses {
  private readonly addresses = new Map<string, string>();

  /** The apps with addresses in place of the names that could be resolved; the same objects where there are none. */
  async applyTo(apps: readonly WireApp[]): Promise<readonly WireApp[]> {
    const names = new Set(
      apps.flatMap((app) => (app.tasks ?? []).map(({ host }) => host)).filter(isName),
    );
    if (names.size === 0) return apps;
    const unknown = [...names].filter((name) => !this.addresses.has(name));
    for (let at = 0; at < unknown.length; at += MAX_LOOKUPS) {
      await Promise.all(unknown.slice(at, at + MAX_LOOKUPS).map((name) => this.resolve(name)));
    }
    return apps.map((app) => this.withAddresses(app));
  }

  private async resolve(name: string): Promise<void> {
    const address = await firstOf(lookup(name), LOOKUP_TIMEOUT_MS);
    if (address !== undefined) this.addresses.set(name, address);
  }

  private withAddresses(app: WireApp): WireApp {
    if (app.tasks?.some(({ host }) => isName(host)) !== true) return app;
    const tasks = app.tasks.map((task) => ({
      ...task,
      host: this.addresses.get(task.host) ?? task.host,
    }));
    return { ...app, tasks };
  }
}

const isName = (host: string): boolean => isIP(host) === 0;

/** Undefined: it failed, or took too long. */
async function firstOf(
  found: Promise<{ readonly address: string }>,
  timeoutMs: number,
): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), timeoutMs);
  });
  try {
    return await Promise.race([found.then(({ address }) => address).catch(() => undefined), late]);
  } finally {
    clearTimeout(timer);
  }
}
