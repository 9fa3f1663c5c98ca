import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readBootId } from '#platform';

/**
 * How many agents the tasks that may still run were divided between. Another number would give the ports and resources
 * of such tasks to other agents, and leave tasks without one.
 */
export class AgentCount {
  constructor(private readonly file: string) {}

  /** Undefined when no task of an earlier run is left. None outlives the machine. */
  read(): number | undefined {
    try {
      const { count, bootId } = JSON.parse(readFileSync(this.file, 'utf8')) as {
        readonly count?: unknown;
        readonly bootId?: unknown;
      };
      return typeof count === 'number' && bootId === readBootId() ? count : undefined;
    } catch {
      // Never written, or cut short by a crash of the machine.
      return undefined;
    }
  }

  write(count: number): void {
    writeFileSync(this.file, JSON.stringify({ count, bootId: readBootId() }));
  }

  /** No task is left. */
  forget(): void {
    rmSync(this.file, { force: true });
  }
}
