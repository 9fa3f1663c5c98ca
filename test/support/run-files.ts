import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import type { Reporter, Vitest } from 'vitest/node';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Removes what the test runner keeps in the temporary folder of the system, under a random name, when a run is ended by a
 * signal: it does so itself only at a proper end. What a run left that was killed outright goes with the next one: each
 * notes its folder under its process id.
 */
export class RunFiles implements Reporter {
  private readonly note: string;

  constructor(private readonly notes: string) {
    this.note = join(notes, String(process.pid));
  }

  onInit(vitest: Pick<Vitest, 'projects'>): void {
    mkdirSync(this.notes, { recursive: true });
    for (const name of readdirSync(this.notes)) {
      if (isAlive(Number(name))) continue;
      this.remove(join(this.notes, name));
    }
    const folders = vitest.projects.map(({ tmpDir }) => tmpDir);
    writeFileSync(this.note, [...new Set(folders)].join('\n'));
    process.once('exit', () => this.end());
    for (const signal of SIGNALS) {
      process.once(signal, () => process.exit(128 + constants.signals[signal]));
    }
  }

  /** This run is over. */
  end(): void {
    this.remove(this.note);
  }

  private remove(note: string): void {
    try {
      const folders = readFileSync(note, 'utf8').split('\n').filter(Boolean);
      for (const folder of folders) rmSync(folder, { recursive: true, force: true });
      rmSync(note, { force: true });
    } catch {
      // Another run was faster, or the disk is full: the next one tries again.
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
