import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WireApp } from '#marathon-v2';
import { isRunning, parseIdentity } from '#platform';
import { edgeFilesIn } from '../../apps/router/src/haproxy/edge-files.js';
import { childrenOf, readProcessFacts } from '../../apps/router/src/haproxy/process-facts.js';
import { runCommands } from '../../apps/router/src/haproxy/runtime-socket.js';
import { killQuietly } from '../e2e/support/cluster.js';
import { eventually, pause } from '../e2e/support/http.js';
import { DaemonProcess } from './daemon-process.js';
import { EdgeController } from './edge-controller.js';
import { EdgeProbe } from './edge-probe.js';
import { EdgeUpstream } from './edge-upstream.js';

export type PrintRow = (name: string, figure: string, work: string) => void;

/** `PACER_BENCH_SCALE=0.1`: a tenth of the work, to see that it runs. */
const SCALE = Number(process.env['PACER_BENCH_SCALE'] ?? 1);
export const scaled = (count: number): number => Math.max(2, Math.round(count * SCALE));

/** `PACER_BENCH_PROFILE=folder`: where the router's processor time goes, one `.cpuprofile` for each router. */
const PROFILE_DIRECTORY = process.env['PACER_BENCH_PROFILE'];
const PROFILE =
  PROFILE_DIRECTORY === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${PROFILE_DIRECTORY}`];
const PROFILE_WRITE_MS = 3_000;

/** Load of the machine, as others may share it. */
export const describeLoadAverage = (): string => `load average ${loadavg()[0]?.toFixed(1)}`;

export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** What the router says of itself at `/v1/status`. */
export interface RouterStatus {
  readonly reloads: number;
  readonly runtimeChanges: number;
  readonly driftRepairs: number;
  readonly routes: number;
  readonly conflicts: number;
  readonly lastProblem?: string;
}

const EDGE_PORT = 8_000;

/**
 * The router as it is shipped, with its HAProxy, before a controller that only tells and an upstream that answers with its
 * address. The edge has a loopback address of its own, so that ports are free.
 */
export class EdgeRig {
  readonly controller = new EdgeController();
  readonly upstream = new EdgeUpstream();
  readonly router = new DaemonProcess('router', PROFILE);
  readonly directory = mkdtempSync(join(tmpdir(), 'pacer-bench-edge-'));
  readonly files = edgeFilesIn(join(this.directory, 'data/haproxy'));
  readonly edge = {
    address: `127.81.${(process.pid >> 8) & 255}.${process.pid & 255}`,
    port: EDGE_PORT,
  };
  private readonly probes: EdgeProbe[] = [];
  private url = '';

  /** `apps`: made once the port of the upstream is known. `path`: where a program called haproxy is looked for first. */
  async start(
    apps: (upstreamPort: number) => readonly WireApp[],
    options: { readonly path?: string } = {},
  ): Promise<void> {
    process.once('SIGINT', this.endNow).once('SIGTERM', this.endNow);
    await this.upstream.start(this.directory);
    const listed = apps(this.upstream.port);
    await this.controller.start(listed);
    const port = await freePort();
    this.url = `http://127.0.0.1:${port}`;
    mkdirSync(join(this.directory, 'data'), { recursive: true });
    await this.router.start(
      {
        PACER_PORT: String(port),
        PACER_DATA: join(this.directory, 'data'),
        PACER_EDGE_HOST: this.edge.address,
        PACER_EDGE_HTTP_PORT: String(EDGE_PORT),
        PACER_DNS_PORT: '0',
        PACER_CONTROLLER_URLS: this.controller.url,
        ...(options.path === undefined ? {} : { PATH: `${options.path}:${process.env['PATH']}` }),
      },
      {
        what: 'the router has all apps',
        isReady: async () => {
          const status = await this.status().catch(() => undefined);
          return status?.routes === listed.length && status.reloads > 0;
        },
      },
    );
    await this.controller.whenApplied();
    await this.settled();
  }

  async status(): Promise<RouterStatus> {
    return (await (await fetch(`${this.url}/v1/status`)).json()) as RouterStatus;
  }

  /** As an operator asks for it. */
  async forceReload(): Promise<void> {
    await fetch(`${this.url}/_mlb_signal/usr1`, { method: 'POST' });
  }

  /** Waits until no reload has happened for some time. */
  async settled(): Promise<void> {
    let before = -1;
    await eventually('reloads have ended', async () => {
      const { reloads } = await this.status();
      const isQuiet = reloads === before;
      before = reloads;
      if (!isQuiet) await pause(1_500);
      return isQuiet;
    });
  }

  probe(host: string): EdgeProbe {
    const probe = new EdgeProbe({ ...this.edge, host });
    this.probes.push(probe);
    return probe;
  }

  /** Asks the worker that serves now. */
  async ask(command: string): Promise<string> {
    const [answer = ''] = await runCommands(this.files.adminSocket, [command]);
    return answer;
  }

  haproxyPid(): number | undefined {
    if (!existsSync(this.files.processRecord)) return undefined;
    const identity = parseIdentity(readFileSync(this.files.processRecord, 'utf8'));
    return identity !== undefined && isRunning(identity) ? identity.pid : undefined;
  }

  /** Processor time that the router, and HAProxy's worker of now, have used, ms. */
  processorMs(): { readonly router: number; readonly worker: number } {
    const [worker] = childrenOf(this.haproxyPid() ?? 0);
    return {
      router: this.router.processorMs(),
      worker: worker === undefined ? 0 : (readProcessFacts(worker)?.cpuMs ?? 0),
    };
  }

  /** Memory of the router, MiB resident. */
  routerRssMib(): number {
    return rssMib(this.router.pid ?? 0);
  }

  /** Ends all of it. */
  async stop(): Promise<void> {
    for (const probe of this.probes) probe.close();
    const master = this.haproxyPid();
    await fetch(`${this.url}/pacer/v1/shutdown`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    }).catch(() => undefined);
    const deadlineMs = performance.now() + 10_000;
    while (this.haproxyPid() !== undefined && performance.now() < deadlineMs) await pause(50);
    // A profile is written as the process ends by itself.
    if (PROFILE.length > 0) await pause(PROFILE_WRITE_MS);
    this.killAll(master);
    await this.router.kill();
    await this.upstream.stop();
    this.controller.stop();
    process.off('SIGINT', this.endNow).off('SIGTERM', this.endNow);
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Workers end with their master. */
  private killAll(master: number | undefined): void {
    for (const pid of [
      this.router.pid,
      ...(master === undefined ? [] : childrenOf(master)),
      master,
    ]) {
      if (pid !== undefined) killQuietly(pid);
    }
  }

  private readonly endNow = (): void => {
    this.killAll(this.haproxyPid());
    if (this.upstream.pid !== undefined) killQuietly(this.upstream.pid);
    rmSync(this.directory, { recursive: true, force: true });
    process.exit(130);
  };
}

/** Starts a rig, does the work, and ends it whatever happens. */
export async function withEdge(
  apps: (upstreamPort: number) => readonly WireApp[],
  work: (rig: EdgeRig) => Promise<void>,
): Promise<void> {
  const rig = new EdgeRig();
  try {
    await rig.start(apps);
    await work(rig);
  } finally {
    await rig.stop();
  }
}

/** Resident memory of a process, MiB; 0: it is gone. */
export function rssMib(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1_024;
  } catch {
    return 0;
  }
}
