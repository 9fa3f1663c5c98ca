import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { WireApp } from '#marathon-v2';

/** A server added at run time is never resolved by HAProxy, so host names become addresses here, once. */
export class HostAddresses {
  private readonly addresses = new Map<string, string>();

  async resolve(apps: readonly WireApp[]): Promise<void> {
    for (const app of apps) {
      for (const { host } of app.tasks ?? []) {
        if (isIP(host) !== 0 || this.addresses.has(host)) continue;
        const found = await lookup(host, { family: 4 }).catch(() => undefined);
        if (found !== undefined) this.addresses.set(host, found.address);
      }
    }
  }

  /** The app with addresses in place of the names that could be resolved. */
  applyTo(app: WireApp): WireApp {
    if (this.addresses.size === 0 || app.tasks === undefined) return app;
    const tasks = app.tasks.map((task) => ({
      ...task,
      host: this.addresses.get(task.host) ?? task.host,
    }));
    return { ...app, tasks };
  }
}
