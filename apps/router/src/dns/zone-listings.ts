import { SerialQueue } from '#platform';
import { inSlices } from '../sync/thread-slices.js';
import type { AppNames } from './app-names.js';
import {
  appsView,
  enumerateView,
  portsView,
  type TargetFilter,
  targetsView,
  transferView,
} from './dns-views.js';

/** Lists that are made, or wait to be made; further ones are refused. */
const MAX_WAITING = 32;
/** Lists kept until something changes, and how long at most: one of 10,000 tasks has some 10 MB. */
const MAX_KEPT = 4;
const KEPT_MS = 10_000;

interface KeptListing {
  readonly generation: number;
  readonly text: Promise<string>;
}

/**
 * The lists of the zone as JSON. However many ask, one list is made at a time, in slices between which questions are answered;
 * who asks for the same before it is begun gets the same one. Nothing is made twice of the same state.
 */
export class ZoneListings {
  private readonly queue = new SerialQueue({ name: 'lists of names', limit: MAX_WAITING });
  /** Not begun yet: what is asked now is in them. */
  private readonly waiting = new Map<string, Promise<string>>();
  private readonly kept = new Map<string, KeptListing>();
  private expiry: NodeJS.Timeout | undefined;

  constructor(private readonly names: AppNames) {}

  /** All of them reject with QueueFullError while too many are asked for. */
  enumerate(): Promise<string> {
    return this.list('enumerate', () => enumerateView(this.names));
  }

  apps(): Promise<string> {
    return this.list('apps', () => appsView(this.names));
  }

  targets(filter: TargetFilter): Promise<string> {
    const key = `targets ${JSON.stringify([filter.app, filter.port])}`;
    return this.list(key, () => targetsView(this.names, filter));
  }

  ports(host: string): Promise<string> {
    return this.list(`ports ${host}`, () => portsView(this.names.zone, host));
  }

  /** `head`: what comes before the records; asked for when the list is begun. */
  transfer(domain: string, head: () => Readonly<Record<string, unknown>>): Promise<string> {
    return this.list(`transfer ${domain}`, () => transferView(this.names.zone, domain, head()));
  }

  stop(): void {
    clearTimeout(this.expiry);
    this.kept.clear();
  }

  private list(key: string, make: () => Iterable<string>): Promise<string> {
    const known = this.kept.get(key);
    if (known?.generation === this.names.generation) return known.text;
    const waiting = this.waiting.get(key);
    if (waiting !== undefined) return waiting;
    const made = this.queue.run(() => {
      this.waiting.delete(key);
      // A change while it is made is seen by the generation.
      const { generation } = this.names;
      const text = inSlices(joined(make()));
      this.keep(key, { generation, text });
      return text;
    });
    this.waiting.set(key, made);
    made.catch(() => this.waiting.delete(key));
    return made;
  }

  private keep(key: string, listing: KeptListing): void {
    this.kept.delete(key);
    this.kept.set(key, listing);
    const [oldest] = this.kept.keys();
    if (this.kept.size > MAX_KEPT && oldest !== undefined) this.kept.delete(oldest);
    listing.text.catch(() => {
      if (this.kept.get(key) === listing) this.kept.delete(key);
    });
    clearTimeout(this.expiry);
    this.expiry = setTimeout(() => this.kept.clear(), KEPT_MS).unref();
  }
}

/** Puts pieces together, one with each step. */
function* joined(pieces: Iterable<string>): Generator<undefined, string> {
  const parts: string[] = [];
  for (const piece of pieces) {
    if (piece !== '') parts.push(piece);
    yield;
  }
  return parts.join('');
}
