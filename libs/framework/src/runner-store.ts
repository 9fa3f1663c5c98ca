import { open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Place } from './runner-task.js';

/** What a framework must know again after a restart. */
export interface RunnerState {
  readonly frameworkId?: string;
  /** Those that may run. */
  readonly tasks: readonly (Place & { readonly isKilling: boolean })[];
}

/** Keeps the state of one framework. `save` resolves once it is durable; it is never called twice at once. */
export interface RunnerStore {
  load(): Promise<RunnerState | undefined>;
  save(state: RunnerState): Promise<void>;
}

/** A store in one file, replaced whole. The folder must exist. */
export function createFileStore(path: string): RunnerStore {
  return {
    async load() {
      const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined;
        throw error;
      });
      if (text === undefined) return undefined;
      const state = JSON.parse(text) as Partial<RunnerState>;
      if (!Array.isArray(state.tasks)) throw new Error(`${path} is no state of a framework`);
      return state as RunnerState;
    },
    async save(state) {
      await writeDurably(`${path}.new`, JSON.stringify(state));
      await rename(`${path}.new`, path);
      await syncFolder(dirname(path));
    },
  };
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Saves what is current, one at a time: whoever asks while one is under way gets the next, which has it all. */
export class CoalescingSaver {
  private running: Promise<void> = Promise.resolve();
  private next: Promise<void> | undefined;

  constructor(private readonly write: () => Promise<void>) {}

  /** Resolves when everything that was so at the time of the call is durable. */
  save(): Promise<void> {
    this.next ??= this.running.then(() => {
      this.next = undefined;
      this.running = this.write();
      return this.running;
    });
    return this.next;
  }
}
