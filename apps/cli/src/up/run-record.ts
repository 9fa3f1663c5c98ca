import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRunning, type ProcessIdentity } from '#platform';
import { AgentCount } from './agent-count.js';
import { SupervisorClaims } from './supervisor-claim.js';

/** What is known of a started process, in `<data>/run/<name>.json`. */
export interface RunRecord extends ProcessIdentity {
  readonly name: string;
  /** Of configuration and build: a survivor with another one is replaced, not adopted. */
  readonly fingerprint: string;
}

/** The records of one data directory. Survives us, so that the next supervisor finds what we started. */
export class RunDirectory {
  readonly supervisor: SupervisorClaims;
  readonly agents: AgentCount;
  private readonly directory: string;

  constructor(dataDirectory: string) {
    this.directory = join(dataDirectory, 'run');
    mkdirSync(this.directory, { recursive: true, mode: 0o755 });
    this.supervisor = new SupervisorClaims(join(this.directory, 'supervisor'));
    this.agents = new AgentCount(join(this.directory, 'agents'));
  }

  /** Records whose process still runs. */
  findSurvivors(): readonly RunRecord[] {
    return readdirSync(this.directory)
      .filter((file) => file.endsWith('.json'))
      .map((file) => this.read(file.slice(0, -'.json'.length)))
      .filter((record) => record !== undefined)
      .filter(isRunning);
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
