import type { Clock } from '#core';

/** Asked for again at most this often, milliseconds. */
const MIN_REVIVE_GAP_MS = 5;
/** Before a call that failed is repeated, milliseconds. */
const RETRY_MS = 1_000;

/** The roles of what waits. */
export type WantedRoles = ReadonlySet<string> | 'all';

export interface OfferDemandSettings {
  readonly clock: Clock;
  /** Whether something may be launched now, in which roles, and when the next thing may. */
  readonly look: () => {
    readonly wants: boolean;
    readonly roles: WantedRoles;
    readonly nextInMs?: number;
  };
  readonly revive: (roles: WantedRoles) => void;
  readonly suppress: () => void;
}

/**
 * Tells the master whether we want offers: SUPPRESS when nothing waits, REVIVE when something new may be launched, of the
 * roles that wait only: a master shares the agents out between the roles that want offers, so what waits in one role
 * would be shown some of the agents and be launched on those alone.
 */
export class OfferDemand {
  private isConnected = false;
  private isSuppressed = false;
  /** The roles with offers since the last SUPPRESS. */
  private revived: WantedRoles = 'all';
  private hasNews = false;
  private cancelLook: (() => void) | undefined;
  private cancelWake: (() => void) | undefined;
  private cancelRetry: (() => void) | undefined;

  constructor(private readonly settings: OfferDemandSettings) {}

  /** A new stream: the master sends offers, whatever it was told before. */
  connected(): void {
    this.isConnected = true;
    this.isSuppressed = false;
    this.revived = 'all';
    this.hasNews = false;
    this.update({ isNew: false });
  }

  get isSubscribed(): boolean {
    return this.isConnected;
  }

  disconnected(): void {
    this.isConnected = false;
  }

  /** What waits has changed. `isNew`: more than before, or after a delay, so that refused offers are worth another look. */
  update(options: { readonly isNew: boolean }): void {
    this.hasNews ||= options.isNew;
    if (this.cancelLook !== undefined) return;
    this.cancelLook = this.settings.clock.schedule(MIN_REVIVE_GAP_MS, () => {
      this.cancelLook = undefined;
      this.look();
    });
  }

  stop(): void {
    this.cancelLook?.();
    this.cancelWake?.();
    this.cancelRetry?.();
  }

  /** A call did not get through: it is sent again after a while. */
  failed(): void {
    this.isSuppressed = false;
    this.hasNews = true;
    this.cancelRetry?.();
    this.cancelRetry = this.settings.clock.schedule(RETRY_MS, () => this.update({ isNew: false }));
  }

  private look(): void {
    const { wants, roles, nextInMs } = this.settings.look();
    this.wakeIn(nextInMs);
    if (!this.isConnected) return;
    if (wants && (this.isSuppressed || this.hasNews || !covers(this.revived, roles))) {
      this.isSuppressed = false;
      this.hasNews = false;
      this.revived = joined(this.revived, roles);
      this.settings.revive(roles);
    } else if (!wants && !this.isSuppressed) {
      this.isSuppressed = true;
      this.revived = new Set();
      this.settings.suppress();
    }
  }

  private wakeIn(delayMs: number | undefined): void {
    this.cancelWake?.();
    this.cancelWake = undefined;
    if (delayMs === undefined) return;
    this.cancelWake = this.settings.clock.schedule(delayMs, () => {
      this.cancelWake = undefined;
      this.update({ isNew: true });
    });
  }
}

const covers = (revived: WantedRoles, roles: WantedRoles): boolean =>
  revived === 'all' || (roles !== 'all' && [...roles].every((role) => revived.has(role)));

const joined = (revived: WantedRoles, roles: WantedRoles): WantedRoles =>
  revived === 'all' || roles === 'all' ? 'all' : new Set([...revived, ...roles]);
