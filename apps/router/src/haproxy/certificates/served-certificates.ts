import { readFile, stat } from 'node:fs/promises';
import { countDrift } from '../drift.js';
import type { EdgeFiles } from '../edge-files.js';
import type { CertificateEntry } from './certificate-files.js';
import {
  type ListLine,
  type RunningCertificates,
  readRunningCertificates,
} from './running-certificates.js';
import { type CertificateSync, syncCertificates } from './sync-certificates.js';

export interface ServedChange extends CertificateSync {
  /** How many certificates differed from what HAProxy was last left with. */
  readonly drift: number;
  /** Some of `refused` are taken by a reload, and it is time for one. */
  readonly isReloadDue: boolean;
}

/** A reload that did not bring a certificate is asked for again after this time. */
const RELOAD_RETRY_MS = 60_000;

/**
 * What HAProxy has of the edge's certificates. It tells no more of one than its first certificate and the names in its chain,
 * so the digest of what each worker was given, or read when it started, is remembered here.
 */
export class ServedCertificates {
  private worker: number | undefined;
  /** File -> digest of what the worker has in it. */
  private digests = new Map<string, string>();
  /** File -> digest of what was in it on disk when the worker was last looked at: the next one has read it. */
  private onDisk: ReadonlyMap<string, string> = new Map();
  /** What the worker was left with; undefined: not known to the end. */
  private left: ReadonlyMap<string, string> | undefined;
  private readonly asked = new Map<string, { readonly digest: string; readonly atMs: number }>();

  constructor(private readonly files: Pick<EdgeFiles, 'adminSocket' | 'certificateList'>) {}

  /**
   * Brings HAProxy to `wanted`. `isOnDisk`: it is in its files too, so that a new worker has it. Rejects with RuntimeApiError
   * when HAProxy does not answer. O(certificates), and some commands for each that differs.
   */
  async sync(
    wanted: readonly CertificateEntry[],
    { isOnDisk }: { readonly isOnDisk: boolean },
  ): Promise<ServedChange> {
    const have = await this.read(wanted);
    if (this.worker !== have.worker.pid) await this.meet(wanted, have);
    const drift = this.findDrift(wanted, have);
    this.left = undefined;
    const { adminSocket } = this.files;
    const done = await syncCertificates(adminSocket, wanted, { ...have, digests: this.digests });
    const changed = new Set([...done.added, ...done.replaced]);
    for (const { file, digest } of wanted) if (changed.has(file)) this.digests.set(file, digest);
    for (const { file } of done.refused) this.digests.delete(file);
    for (const file of done.removed) this.digests.delete(file);
    const isSame = changed.size + done.removed.length === 0;
    this.left = toView(isSame ? have : await this.read(wanted));
    if (isOnDisk) this.onDisk = new Map(wanted.map(({ file, digest }) => [file, digest]));
    return { ...done, drift, isReloadDue: this.isReloadDue(wanted, done) };
  }

  private read(wanted: readonly CertificateEntry[]): Promise<RunningCertificates> {
    const { adminSocket, certificateList } = this.files;
    const files = wanted.map(({ file }) => file);
    return readRunningCertificates(adminSocket, certificateList, files);
  }

  /** A new worker has what was in its files when it started. */
  private async meet(
    wanted: readonly CertificateEntry[],
    { worker }: RunningCertificates,
  ): Promise<void> {
    const digests = new Map(this.onDisk);
    for (const { file, pem, digest } of wanted) {
      if (digests.has(file)) continue;
      const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
      if (mtimeMs >= worker.startedAtMs) continue;
      if ((await readFile(file, 'utf8').catch(() => '')) === pem) digests.set(file, digest);
    }
    this.worker = worker.pid;
    this.digests = digests;
    this.left = undefined;
  }

  /** Counts what the worker has otherwise than it was left with; what is known of it is forgotten. */
  private findDrift(wanted: readonly CertificateEntry[], have: RunningCertificates): number {
    const { left } = this;
    if (left === undefined) return 0;
    const found = toView(have);
    // A file nobody asks for is not looked at any more, one just asked for was not looked at before.
    const asked = new Set([...wanted, ...(have.lines ?? [])].map(({ file }) => file));
    const listed = new Set(have.lines?.map(({ file }) => file));
    const before = new Map([...left].filter(([file]) => asked.has(file)));
    const now = new Map([...found].filter(([file]) => left.has(file) || listed.has(file)));
    for (const [file, view] of before) if (now.get(file) !== view) this.digests.delete(file);
    const nothing = { servers: new Map(), maps: new Map() };
    const wantedView = { ...nothing, certificates: before };
    return countDrift({ ...nothing, certificates: now }, wantedView).certificate;
  }

  private isReloadDue(wanted: readonly CertificateEntry[], { refused }: CertificateSync): boolean {
    const waiting = new Set(refused.flatMap((one) => (one.needsReload ? [one.file] : [])));
    for (const file of this.asked.keys()) if (!waiting.has(file)) this.asked.delete(file);
    let isDue = false;
    for (const { file, digest } of wanted) {
      if (!waiting.has(file)) continue;
      const before = this.asked.get(file);
      const nowMs = performance.now();
      if (before?.digest === digest && nowMs - before.atMs < RELOAD_RETRY_MS) continue;
      this.asked.set(file, { digest, atMs: nowMs });
      isDue = true;
    }
    return isDue;
  }
}

/** File -> what there is of it: its certificate, and its lines. */
function toView({ prints, lines = [] }: RunningCertificates): ReadonlyMap<string, string> {
  const byFile = new Map<string, ListLine[]>();
  for (const line of lines) byFile.set(line.file, [...(byFile.get(line.file) ?? []), line]);
  return new Map(
    [...new Set([...prints.keys(), ...byFile.keys()])].map((file) => {
      const listed = (byFile.get(file) ?? []).map(({ filters }) => filters.join(' ')).sort();
      return [file, JSON.stringify([prints.get(file), listed])];
    }),
  );
}
