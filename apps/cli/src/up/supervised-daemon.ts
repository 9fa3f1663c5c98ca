import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { identifyProcess, isRunning, type ProcessIdentity, signalProcess } from '#platform';
import type { DaemonPlan } from './cluster-plan.js';
import { describeEnd, describeLogEnd } from './describe-end.js';
import type { LogFiles } from './log-files.js';
import { nextRestartDelay } from './restart-delay.js';
import type { RunDirectory } from './run-record.js';

const WATCH_EVERY_MS = 200;
const STOP_POLL_MS = 20;
/** A stack is shorter. */
const TOLD_FROM_LINES = 40;
/** A daemon that does not end by then is killed. */
const STOP_LIMIT_MS = 12_000;

export interface DaemonHost {
  readonly run: RunDirectory;
  readonly logs: LogFiles;
  /** The program of a plan: `dist/apps/master/bundle/main.js`. */
  readonly programOf: (plan: DaemonPlan) => string;
  /** Changes with each build, so that survivors of an older one are replaced. */
  readonly buildId: string;
  readonly report: (line: string) => void;
}

/**
 * Keeps one process running: adopts a survivor with the same configuration, else starts it in a session of its own with
 * its output in a file, and starts it again with growing delays when it ends. Adopted processes are not our children, so
 * all are watched by identity; own children are noticed at once.
 */
export class SupervisedDaemon {
  private current: ProcessIdentity | undefined;
  /** The process when it is our child; undefined for an adopted one. */
  private child: ChildProcess | undefined;
  private startedAtMs = 0;
  private delayMs = 0;
  private watch: NodeJS.Timeout | undefined;
  private restart: NodeJS.Timeout | undefined;
  private isStopping = false;

  constructor(
    private plan: DaemonPlan,
    private readonly host: DaemonHost,
  ) {}

  get name(): string {
    return this.plan.name;
  }

  get url(): string {
    return this.plan.url;
  }

  get program(): DaemonPlan['program'] {
    return this.plan.program;
  }

  get isAlive(): boolean {
    return this.current !== undefined && isRunning(this.current);
  }

  /** Starts or adopts. Says which. */
  async start(): Promise<'started' | 'adopted'> {
    const survivor = this.host.run.findRunning(this.name);
    this.current = survivor;
    this.startedAtMs = performance.now();
    const isAdopted = survivor?.fingerprint === this.fingerprint();
    if (survivor !== undefined && !isAdopted) {
      this.host.report(
        `${this.name}: configuration or build changed, replacing pid ${survivor.pid}`,
      );
      await endProcess(survivor);
    }
    if (!isAdopted) this.spawn();
    // Not before: while a survivor is replaced nothing is to be started in its place.
    if (!this.isStopping) this.watch = setInterval(() => this.look(), WATCH_EVERY_MS);
    return isAdopted ? 'adopted' : 'started';
  }

  /** Takes a survivor, if there is one, over only to stop it. */
  adopt(): void {
    this.current = this.host.run.findRunning(this.name);
  }

  /** Starts it at once when it does not run, so that it can be asked for something. False when it runs. */
  resume(): boolean {
    if (this.isAlive) return false;
    clearTimeout(this.restart);
    this.restart = undefined;
    this.spawn();
    return true;
  }

  /** Replaces the plan and the running process by one with the new configuration. */
  async reconfigure(plan: DaemonPlan): Promise<void> {
    this.plan = plan;
    if (this.current !== undefined) await endProcess(this.current);
  }

  /** Ends it for good: SIGTERM, and SIGKILL when that takes too long. */
  async stop(): Promise<void> {
    this.isStopping = true;
    clearInterval(this.watch);
    clearTimeout(this.restart);
    if (this.current !== undefined) await endProcess(this.current);
    this.host.run.remove(this.name);
  }

  /** Waits until it ended on its own. False when it still runs after `limitMs`. */
  async waitForExit(limitMs: number): Promise<boolean> {
    this.isStopping = true;
    return this.current === undefined || waitUntilGone(this.current, limitMs);
  }

  private spawn(): void {
    if (this.isStopping || this.isAlive) return;
    const log = this.host.logs.open(this.name);
    const child = spawn(process.execPath, [this.host.programOf(this.plan)], {
      cwd: '/',
      env: { ...inheritedEnvironment(), ...this.plan.environment },
      detached: true,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    child.unref();
    child.on('error', (error) =>
      this.host.report(`${this.name}: cannot be started: ${error.message}`),
    );
    child.on('exit', () => this.look());
    this.startedAtMs = performance.now();
    this.current = child.pid === undefined ? undefined : identifyProcess(child.pid);
    this.child = child.pid === undefined ? undefined : child;
    if (this.current === undefined) return;
    this.host.run.write({ ...this.current, name: this.name, fingerprint: this.fingerprint() });
  }

  private look(): void {
    if (this.isStopping || this.restart !== undefined || this.isAlive) return;
    const end = this.child && { exitCode: this.child.exitCode, signal: this.child.signalCode };
    // Gone, but how is said with 'exit', which brings us here again.
    if (end?.exitCode === null && end.signal === null) return;
    const aliveMs = performance.now() - this.startedAtMs;
    this.delayMs = nextRestartDelay(this.delayMs, aliveMs);
    const seconds = (aliveMs / 1000).toFixed(1);
    const log = describeLogEnd(this.host.logs.tail(this.name, TOLD_FROM_LINES));
    this.host.report(
      `${this.name} ended after ${seconds} s${describeEnd(end)}, starting it again in ${this.delayMs} ms${log}`,
    );
    this.restart = setTimeout(() => {
      this.restart = undefined;
      this.spawn();
    }, this.delayMs);
  }

  private fingerprint(): string {
    const environment = { ...inheritedEnvironment(), ...this.plan.environment };
    const relevant = Object.entries(environment)
      .filter(
        ([name]) => name.startsWith('PACER_') || name === 'DATABASE_URL' || name === 'DOCKER_HOST',
      )
      .sort(([left], [right]) => (left < right ? -1 : 1));
    return createHash('sha256')
      .update(JSON.stringify([this.host.buildId, process.version, relevant]))
      .digest('hex');
  }
}

/** Ends a process that may not be our child. Resolves when it is gone. */
export async function endProcess(identity: ProcessIdentity): Promise<void> {
  signalProcess(identity, 'SIGTERM');
  if (await waitUntilGone(identity, STOP_LIMIT_MS)) return;
  signalProcess(identity, 'SIGKILL');
  await waitUntilGone(identity, STOP_LIMIT_MS);
}

async function waitUntilGone(identity: ProcessIdentity, limitMs: number): Promise<boolean> {
  const deadline = performance.now() + limitMs;
  while (isRunning(identity)) {
    if (performance.now() > deadline) return false;
    await sleep(STOP_POLL_MS);
  }
  return true;
}

/** Ours, without what npm adds. */
const inheritedEnvironment = (): Readonly<Record<string, string | undefined>> =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')));
