import type { AppMirror } from './app-mirror.js';
import type { HostAddresses } from './host-addresses.js';
import type { KeptList } from './kept-list.js';

export interface LastKnownFiles {
  /** Tasks that were healthy. */
  readonly health: Pick<KeptList, 'load' | 'save'>;
  /** `name address` of hosts. */
  readonly hosts?: Pick<KeptList, 'load' | 'save'>;
}

/**
 * What counts until something else is heard: when router and controller start again together neither has a health result, and
 * while DNS is down no host has an address. What HAProxy serves all the while must not be taken out of rotation for that.
 */
export class LastKnown {
  constructor(
    private readonly files: LastKnownFiles,
    private readonly mirror: Pick<AppMirror, 'healthyTasks' | 'recall'>,
    private readonly addresses: Pick<HostAddresses, 'list' | 'recall'>,
  ) {}

  async recall(): Promise<void> {
    const { health, hosts } = this.files;
    this.mirror.recall(await health.load());
    this.addresses.recall((await hosts?.load()) ?? []);
  }

  /** Never rejects. */
  async save(): Promise<void> {
    const { health, hosts } = this.files;
    await health.save(this.mirror.healthyTasks());
    await hosts?.save(this.addresses.list());
  }
}
