import { readFile } from 'node:fs/promises';
import type { Logger } from '#platform';
import { replaceFile } from '../haproxy/edge-files.js';

/**
 * The tasks last seen healthy, on disk. When router and controller start again together neither has a result, and what
 * HAProxy serves all the while must not be taken out of rotation for that.
 */
export class HealthRecord {
  private written: string | undefined;

  constructor(
    private readonly path: string,
    private readonly logger: Logger,
  ) {}

  /** Empty when there is none, or none that can be read: then tasks are served once their health is known. */
  async load(): Promise<readonly string[]> {
    try {
      const tasks: unknown = JSON.parse(await readFile(this.path, 'utf8'));
      return Array.isArray(tasks) ? tasks.filter((task) => typeof task === 'string') : [];
    } catch {
      return [];
    }
  }

  /** Never rejects: the edge serves on without it. */
  async save(tasks: readonly string[]): Promise<void> {
    const text = JSON.stringify([...tasks].sort());
    if (text === this.written) return;
    try {
      await replaceFile(this.path, text);
      this.written = text;
    } catch (error) {
      this.logger.warn({ err: error }, 'cannot write which tasks are healthy');
    }
  }
}
