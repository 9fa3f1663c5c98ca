import { readFile } from 'node:fs/promises';
import type { Logger } from '#platform';
import { replaceFile } from '../haproxy/edge-files.js';

/** Texts on disk, in any order: what the next life of this router would else have to wait for. */
export class KeptList {
  private written: string | undefined;

  constructor(
    private readonly path: string,
    private readonly logger: Logger,
  ) {}

  /** Empty when there is none, or none that can be read: then it is waited for. */
  async load(): Promise<readonly string[]> {
    try {
      const list: unknown = JSON.parse(await readFile(this.path, 'utf8'));
      return Array.isArray(list) ? list.filter((text) => typeof text === 'string') : [];
    } catch {
      return [];
    }
  }

  /** Never rejects: the edge serves on without it. */
  async save(list: readonly string[]): Promise<void> {
    const text = JSON.stringify([...list].sort());
    if (text === this.written) return;
    try {
      await replaceFile(this.path, text);
      this.written = text;
    } catch (error) {
      this.logger.warn({ err: error, path: this.path }, 'cannot write what is known');
    }
  }
}
