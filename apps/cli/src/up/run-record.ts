import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { identifyProcess, isRunning, type ProcessIdentity } from './process-identity.js';

/** What is known of a started process, in `<data>/run/<name>.json`. */
export interface RunRecord extends ProcessIdentity {
  readonly name: string;
  /** Of configuration and build: a survivor with another one is replaced, not adopted. */
  readonly fingerprint: string;
}

const SUPERVISOR = 'supervisor';

/** The records of one data directory. Survives us, so that the next supervisor finds what we started. */
export class RunDirectory {
  private readonly directory: string;

  constructor(dataDirectory: string) {
    this.directory = join(dataDirectory, 'run');
    mkdirSync(this.directory, { recursive: true, mode: 0o755 });
  }

  /** Records whose process still runs, but for the supervisor's. */
  findSurvivors(): readonly RunRecord[] {
    return readdirSync(this.directory)
      .filter((file) => file.endsWith('.json'))
      .map((file) => this.read(file.slice(0, -'.json'.length)))
      .filter((record) => record !== undefined)
      .filter((record) => record.name !== SUPERVISOR && isRunning(record));
  }

  /** The record when its process still runs. */
  findRunning(name: string): RunRecord | undefined {
    const record = this.read(name);
    return record !== undefined && isRunning(record) ? record : undefined;
  }

  write(record: RunRecord): void {
    const path = this.pathOf(record.name);
    writeFileSync(`${path}.new`, JSON.stringify(record));
    renameSync(`${path}.new`, path);
  }

  remove(name: string): void {
    rmSync(this.pathOf(name), { force: true });
  }

  /** Makes this process the supervisor of the directory, or returns the one that lives. */
  claim(): { readonly kind: 'claimed' } | { readonly kind: 'held'; readonly by: RunRecord } {
    const self = identifyProcess(process.pid);
    if (self === undefined) throw new Error('this process does not see itself in /proc');
    const draft = `${this.pathOf(SUPERVISOR)}.${process.pid}`;
    writeFileSync(draft, JSON.stringify({ ...self, name: SUPERVISOR, fingerprint: '' }));
    try {
      for (;;) {
        const holder = this.findRunning(SUPERVISOR);
        if (holder !== undefined) return { kind: 'held', by: holder };
        rmSync(this.pathOf(SUPERVISOR), { force: true });
        if (tryLink(draft, this.pathOf(SUPERVISOR))) return { kind: 'claimed' };
      }
    } finally {
      rmSync(draft, { force: true });
    }
  }

  findSupervisor(): RunRecord | undefined {
    return this.findRunning(SUPERVISOR);
  }

  releaseClaim(): void {
    this.remove(SUPERVISOR);
  }

  private read(name: string): RunRecord | undefined {
    try {
      return JSON.parse(readFileSync(this.pathOf(name), 'utf8')) as RunRecord;
    } catch {
      // Never written, or cut short by a crash of the machine: nothing of it runs any more.
      return undefined;
    }
  }

  private pathOf(name: string): string {
    return join(this.directory, `${name}.json`);
  }
}

/** Atomic: of two who try, one succeeds. */
function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch {
    return false;
  }
}
