import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../e2e/support/docker.js';
import { DaemonProcess } from './daemon-process.js';

const SHUTDOWN_LIMIT_MS = 120_000;

/** The real agent daemon with a work directory of its own, without anything else of a cluster. */
export class StandaloneAgent {
  readonly directory = mkdtempSync(join(tmpdir(), 'pacer-bench-agent-'));
  private readonly daemon = new DaemonProcess('agent');

  private constructor(
    private readonly masterUrl: string,
    private readonly port: number,
  ) {}

  static async create(masterUrl: string): Promise<StandaloneAgent> {
    return new StandaloneAgent(masterUrl, await freePort());
  }

  get pid(): number {
    return this.daemon.pid ?? 0;
  }

  /** Resolves when it is a member of the cluster and has found its tasks again. */
  async start(): Promise<void> {
    await this.daemon.start(
      {
        PACER_PORT: String(this.port),
        PACER_DATA: this.directory,
        PACER_MASTER_URLS: this.masterUrl,
        PACER_AGENT_CPUS: '1000',
        PACER_AGENT_MEM_MIB: '1000000',
      },
      {
        what: 'the agent is a member',
        isReady: async () => (await this.state())?.master.stream_id != null,
      },
    );
  }

  async kill(): Promise<void> {
    await this.daemon.kill();
  }

  /** Ends its tasks and itself. */
  async destroy(): Promise<void> {
    await fetch(`http://127.0.0.1:${this.port}/pacer/v1/shutdown`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"killTasks":true}',
      signal: AbortSignal.timeout(SHUTDOWN_LIMIT_MS),
    }).catch(() => undefined);
    await this.kill();
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }

  /** Tasks it has found running. */
  async runningTasks(): Promise<number> {
    const state = await this.state();
    return state?.tasks.filter(({ phase }) => phase === 'running').length ?? 0;
  }

  /** Processor time it has used, user and system. */
  processorMs(): number {
    return this.daemon.processorMs();
  }

  private async state(): Promise<AgentState | undefined> {
    const answer = await fetch(`http://127.0.0.1:${this.port}/state`).catch(() => undefined);
    // The agent's own shape.
    return answer?.ok === true ? ((await answer.json()) as AgentState) : undefined;
  }
}

interface AgentState {
  readonly master: { readonly stream_id: string | null };
  readonly tasks: readonly { readonly phase: string }[];
}
