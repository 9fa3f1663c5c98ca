import { readFile, rename } from 'node:fs/promises';
import type { Logger } from '#platform';
import type { AppEntry, InstancePort, RoutedApp } from '#routing';
import { replaceFile } from '../haproxy/edge-files.js';

/** What names are made of, as it was when it was written. */
export interface SavedZone {
  /** No serial below this one may be used any more: those up to it may have been answered. */
  readonly serialLimit: number;
  /** When the controller last confirmed it, Unix ms; undefined: never. */
  readonly confirmedAtMs?: number;
  readonly entries: readonly AppEntry[];
  readonly vips: readonly RoutedApp[];
}

/** What a file of names holds. */
export interface LoadedZone {
  /** As it is on disk. */
  readonly saved: SavedZone;
  /** What of it can be read. */
  readonly sound: Pick<SavedZone, 'entries' | 'vips'>;
  /** When the controller last confirmed it, Unix ms, also while nothing changed. */
  readonly confirmedAtMs?: number;
}

const VERSION = 1;
/** Ends the name of a file that cannot be read: it is kept, for whoever can. */
const UNREADABLE = '.unreadable';
/** Ends the name of the file that says when the controller last confirmed the names. */
const CONFIRMED = '.confirmed';
/** So many entries are turned to text and written at a time. */
const SLICE = 50;

/** The last names on disk, so that a router that starts without a controller answers what the last one did. */
export class ZoneFile {
  constructor(
    private readonly path: string,
    private readonly logger: Pick<Logger, 'warn'>,
  ) {}

  /** Undefined when there is none, or none that can be read: then nothing is answered until the controller is heard. */
  async load(): Promise<LoadedZone | undefined> {
    try {
      const saved = readSaved(JSON.parse(await readFile(this.path, 'utf8')));
      const [entries, vips] = [saved.entries.filter(isEntry), saved.vips.filter(isVip)];
      const lost = saved.entries.length - entries.length + saved.vips.length - vips.length;
      if (lost > 0) this.logger.warn({ lost, path: this.path }, 'cannot read all names of before');
      const confirmed = Number(await readFile(this.path + CONFIRMED, 'utf8').catch(() => 0));
      const confirmedAtMs = Math.max(saved.confirmedAtMs ?? 0, confirmed);
      return { saved, sound: { entries, vips }, ...(confirmedAtMs > 0 && { confirmedAtMs }) };
    } catch (error) {
      if (isMissing(error)) return undefined;
      const kept = this.path + UNREADABLE;
      this.logger.warn({ err: error, path: this.path, kept }, 'cannot read the names of before');
      // Its place is written to as soon as there are names.
      await rename(this.path, kept).catch(() => undefined);
      return undefined;
    }
  }

  /** The controller stands behind what was saved last. Never rejects. */
  async confirm(epochMs: number): Promise<void> {
    const path = this.path + CONFIRMED;
    await replaceFile(path, String(epochMs)).catch((error: unknown) =>
      this.logger.warn({ err: error, path }, 'cannot write when the names were confirmed'),
    );
  }

  /** Never rejects: names are answered without it. Says whether it is on disk. */
  async save(zone: SavedZone): Promise<boolean> {
    try {
      await replaceFile(this.path, pieces(zone));
      return true;
    } catch (error) {
      this.logger.warn({ err: error, path: this.path }, 'cannot write the names');
      return false;
    }
  }
}

/** The file, in pieces that are each written by themselves: other work gets its turn in between. */
function* pieces({ entries, vips, ...rest }: SavedZone): Iterable<string> {
  yield JSON.stringify({ version: VERSION, ...rest }).slice(0, -1);
  yield ',"vips":[';
  yield* listPieces(vips);
  yield '],"entries":[';
  yield* listPieces(entries);
  yield ']}';
}

function* listPieces(list: readonly unknown[]): Iterable<string> {
  for (let at = 0; at < list.length; at += SLICE) {
    const piece = list.slice(at, at + SLICE).map((one) => JSON.stringify(one));
    yield (at === 0 ? '' : ',') + piece.join(',');
  }
}

function readSaved(saved: unknown): SavedZone {
  const zone = saved as SavedZone & { readonly version: unknown };
  const isSound =
    typeof saved === 'object' &&
    saved !== null &&
    zone.version === VERSION &&
    Number.isSafeInteger(zone.serialLimit) &&
    Array.isArray(zone.entries) &&
    Array.isArray(zone.vips);
  if (!isSound) throw new Error(`not a file of names of version ${VERSION}`);
  return zone;
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT';

const isVip = (vip: RoutedApp): boolean => typeof vip?.id === 'string' && Array.isArray(vip.ports);

const isEntry = (entry: AppEntry): boolean =>
  typeof entry?.id === 'string' &&
  typeof entry.version === 'string' &&
  Array.isArray(entry.problems) &&
  Array.isArray(entry.instances) &&
  entry.instances.every(
    (instance) =>
      typeof instance?.taskId === 'string' &&
      typeof instance.version === 'string' &&
      typeof instance.agentId === 'string' &&
      Array.isArray(instance.ownAddresses) &&
      Array.isArray(instance.ports) &&
      instance.ports.every((port: InstancePort) => Array.isArray(port?.protocols)),
  );
