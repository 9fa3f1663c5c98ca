import { isIP } from 'node:net';
import type { WireApp, WireTask } from '#marathon-v2';

/** Which apps have tasks on which hosts, for hosts known by names: addresses do not change. */
export class AppsByHost {
  private readonly hosts = new Map<string, Set<string>>();
  /** App -> its hosts, as they are in `hosts`. */
  private readonly apps = new Map<string, ReadonlySet<string>>();

  /** Puts an app, or removes it. O(tasks of the app). */
  put(id: string, app: WireApp | undefined): void {
    const tasks: readonly (WireTask | null)[] = Array.isArray(app?.tasks) ? app.tasks : [];
    const named = new Set(tasks.map((task) => task?.host).filter(isName));
    for (const host of this.apps.get(id) ?? []) if (!named.has(host)) this.leave(host, id);
    for (const host of named) this.hosts.set(host, (this.hosts.get(host) ?? new Set()).add(id));
    if (named.size === 0) this.apps.delete(id);
    else this.apps.set(id, named);
  }

  /** Ids of the apps on a host. O(1). */
  on(host: string): ReadonlySet<string> {
    return this.hosts.get(host) ?? NONE;
  }

  private leave(host: string, id: string): void {
    const ids = this.hosts.get(host);
    ids?.delete(id);
    if (ids?.size === 0) this.hosts.delete(host);
  }
}

const NONE: ReadonlySet<string> = new Set();

/** What is no text is none that Marathon lists. */
const isName = (host: unknown): host is string =>
  typeof host === 'string' && host !== '' && isIP(host) === 0;
