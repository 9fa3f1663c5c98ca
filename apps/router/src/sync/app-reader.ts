import type { ControllerClient } from '../controller/controller-client.js';
import type { AppMirror } from './app-mirror.js';
import { HostAddresses } from './host-addresses.js';

/** Reads apps from the controller into the mirror, with addresses in place of the names of hosts. */
export class AppReader {
  readonly addresses: HostAddresses;
  /** When all of them were last read, on the monotonic clock. */
  lastFullReadMs = 0;
  hasSnapshot = false;

  constructor(
    private readonly client: Pick<ControllerClient, 'getApp' | 'listApps'>,
    private readonly mirror: AppMirror,
    /** Addresses are others: apps are to be read again. */
    onChange: () => void,
  ) {
    this.addresses = new HostAddresses({ onChange });
  }

  /** Resolves with the last event that what was read is known to contain. */
  async readAll(): Promise<number> {
    const snapshot = await this.client.listApps();
    this.lastFullReadMs = performance.now();
    this.mirror.replaceAll(await this.addresses.applyTo(snapshot.apps));
    this.hasSnapshot = true;
    return snapshot.sequence ?? 0;
  }

  async readSome(ids: readonly string[]): Promise<number> {
    const found = await Promise.all(ids.map((id) => this.client.getApp(id)));
    const apps = await this.addresses.applyTo(found.filter((app) => app !== undefined));
    const byId = new Map(apps.map((app) => [app.id, app]));
    for (const id of ids) this.mirror.put(id, byId.get(id));
    return 0;
  }
}
