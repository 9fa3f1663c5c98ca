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
import { identifyProcess, isRunning, type ProcessIdentity } from '#platform';

export type ClaimResult =
  | { readonly kind: 'claimed' }
  | { readonly kind: 'held'; readonly by: ProcessIdentity };

/** What a look at the claims found: the highest number, 0 when there is none, and its owner if that lives. */
interface Look {
  readonly highest: number;
  readonly holder: ProcessIdentity | undefined;
}

const NOBODY: ProcessIdentity = { pid: 0, startTime: '', bootId: '' };

/**
 * Who supervises a data directory: the owner of the claim with the highest number. Claims are files `1`, `2`, …; nobody
 * replaces or removes the highest, so a dead owner's claim is passed by, never taken away, and a look at it cannot be
 * outdated in a way that matters.
 */
export class SupervisorClaims {
  private own: string | undefined;

  constructor(private readonly directory: string) {
    mkdirSync(directory, { recursive: true, mode: 0o755 });
  }

  /** Makes this process the supervisor, or returns the one that lives. */
  claim(): ClaimResult {
    for (;;) {
      const look = this.look();
      if (look.holder !== undefined) return { kind: 'held', by: look.holder };
      if (this.claimAfter(look)) return { kind: 'claimed' };
    }
  }

  look(): Look {
    const highest = Math.max(0, ...this.numbers());
    const owner = this.read(highest);
    return { highest, holder: owner !== undefined && isRunning(owner) ? owner : undefined };
  }

  /**
   * Of all who saw the same claim at most one succeeds, as linking is atomic. Who saw an older one may find its number free
   * again, and withdraws because a higher one exists.
   */
  claimAfter({ highest }: Look): boolean {
    const self = identifyProcess(process.pid);
    if (self === undefined) throw new Error('this process does not see itself in /proc');
    const path = this.pathOf(highest + 1);
    if (!this.createWhole(path, self)) return false;
    const numbers = this.numbers();
    if (numbers.some((number) => number > highest + 1)) {
      rmSync(path, { force: true });
      return false;
    }
    for (const number of numbers.filter((older) => older <= highest)) {
      rmSync(this.pathOf(number), { force: true });
    }
    this.own = path;
    return true;
  }

  /** The file stays, with an owner that does not run. */
  release(): void {
    if (this.own === undefined) return;
    writeFileSync(`${this.own}.released`, JSON.stringify(NOBODY));
    renameSync(`${this.own}.released`, this.own);
    this.own = undefined;
  }

  /** False when the file exists. Nobody ever sees a part of it. */
  private createWhole(path: string, identity: ProcessIdentity): boolean {
    const draft = join(this.directory, `draft-${process.pid}`);
    writeFileSync(draft, JSON.stringify(identity));
    try {
      linkSync(draft, path);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      return false;
    } finally {
      rmSync(draft, { force: true });
    }
  }

  private numbers(): readonly number[] {
    return readdirSync(this.directory)
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  }

  private read(number: number): ProcessIdentity | undefined {
    try {
      return JSON.parse(readFileSync(this.pathOf(number), 'utf8')) as ProcessIdentity;
    } catch {
      // None yet, passed by meanwhile, or cut short by a crash of the machine: nobody who lives owns it.
      return undefined;
    }
  }

  private pathOf(number: number): string {
    return join(this.directory, String(number));
  }
}
