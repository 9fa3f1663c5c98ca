import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { eventually } from '../e2e/support/http.js';
import { freePort } from './free-port.js';
import { processorMsOf } from './processor-time.js';

const ROOT = resolve(import.meta.dirname, '../../..').replace(/\/dist$/, '');
const AGENT = join(ROOT, 'dist/apps/agent/bundle/main.js');
const START_LIMIT_MS = 60_000;
const SHUTDOWN_LIMIT_MS = 120_000;

/** The real agent daemon with a work directory of its own, without anything else of a cluster. */
export class StandaloneAgent {
  readonly directory = mkdtempSync(join(tmpdir(), 'pacer-bench-agent-'));
  private child: ChildProcess | undefined;
  /** What it logged, for when it does not start. */
  private output = '';

  private constructor(
    private readonly masterUrl: string,
    private readonly port: number,
  ) {}

  static async create(masterUrl: string): Promise<StandaloneAgent> {
    return new StandaloneAgent(masterUrl, await freePort());
  }

  get pid(): number {
    return this.child?.pid ?? 0;
  }

  /** Resolves when it is a member of the cluster and has found its tasks again. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, [AGENT], {
      env: {
        ...process.env,
        NODE_ENV: 'production',
        PACER_PORT: String(this.port),
        PACER_DATA: this.directory,
        PACER_MASTER_URLS: this.masterUrl,
        PACER_AGENT_CPUS: '1000',
        PACER_AGENT_MEM_MIB: '1000000',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child = child;
    const keep = (chunk: Buffer) => {
      this.output = (this.output + chunk.toString()).slice(-10_000);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    await eventually(
      'the agent is a member',
      async () => {
        if (child.exitCode !== null) throw new Error(`the agent ended: ${this.output}`);
        return (await this.state())?.master.stream_id != null;
      },
      START_LIMIT_MS,
    );
  }

  async kill(): Promise<void> {
    const { child } = this;
    if (child === undefined || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
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
    return processorMsOf(this.child?.pid);
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
