import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { parse, valuesOf } from 'haproxy-config-parser';
import { type Logger, SerialQueue } from '#platform';
import {
  contentsWithoutReload,
  type EdgeCommand,
  type EdgeContents,
  type EdgeModel,
  type EdgeSettings,
  generationMark,
  planEdgeUpdate,
  renderConfig,
  renderHostsMap,
  renderStructure,
} from '#routing';
import { applyCommands, isSuccess, toRuntimeLines } from './edge-commands.js';
import { type EdgeFiles, replaceFile } from './edge-files.js';
import { HaproxyProcess } from './haproxy-process.js';
import { readOpenSessions } from './open-sessions.js';
import { parseDescription, parseMap, parseServersState } from './read-state.js';
import { runCommands } from './runtime-socket.js';
import { isPortFree, validateConfig } from './validate-config.js';

/** What HAProxy runs with, as read from itself. */
interface AppliedEdge extends EdgeContents {
  readonly mark: string | undefined;
  readonly backends: ReadonlySet<string>;
}

/** A configuration was refused or did not come up; the last good one serves on. */
export class EdgeRefusedError extends Error {
  readonly code = 'EDGE_REFUSED';
}

const SERVING_TIMEOUT_MS = 5_000;
const SERVING_POLL_MS = 10;
const MAX_RUNTIME_ROUNDS = 3;

/**
 * The running edge: knows what HAProxy has (by asking HAProxy) and brings it to a wanted model, through the runtime
 * API when only servers and hosts differ, by a proved reload otherwise. Calls must not overlap.
 */
export class HaproxyEdge {
  private applied: AppliedEdge | undefined;
  private wanted: EdgeModel | undefined;
  private readonly process: HaproxyProcess;
  /** Whoever writes the files waits here for the one before. */
  private readonly files = new SerialQueue({ name: 'haproxy files', limit: 8 });
  private readonly generations = new WeakMap<EdgeModel, string>();
  reloads = 0;
  runtimeChanges = 0;
  driftRepairs = 0;
  /** Some servers could not be deleted yet, connections being left. */
  hasPendingDeletions = false;

  constructor(
    private readonly options: {
      readonly files: EdgeFiles;
      readonly settings: EdgeSettings;
      readonly logger: Logger;
      readonly onExit: () => void;
    },
  ) {
    this.process = new HaproxyProcess(options.files, options.logger, () => {
      this.applied = undefined;
      options.onExit();
    });
  }

  get pid(): number | undefined {
    return this.process.pid;
  }

  /** Adopts the running HAProxy, or starts one with the configuration on disk, or with one that routes nothing. */
  async start(empty: EdgeModel): Promise<void> {
    if ((await this.process.adopt()) && (await this.readApplied().catch(() => undefined))) return;
    await this.process.stop().catch(() => undefined);
    await this.restart(empty);
  }

  /** Starts HAProxy anew after it went away. `fallback` is used when the file on disk is missing or refused. */
  async restart(fallback: EdgeModel): Promise<void> {
    const model = this.wanted ?? fallback;
    if (this.wanted !== undefined || !(await validateConfig(this.options.files.config)).ok) {
      await this.writeConfig(model);
    }
    await this.process.start();
    await this.waitUntilServing(undefined).catch((error) => this.explainFailedStart(error));
  }

  private async explainFailedStart(error: unknown): Promise<never> {
    const { bindAddress, httpPort } = this.options.settings;
    if (this.process.pid !== undefined || (await isPortFree(bindAddress, httpPort))) throw error;
    throw new EdgeRefusedError(
      `port ${httpPort} of the edge is used by another program: stop it, or set PACER_EDGE_HTTP_PORT`,
      { cause: error },
    );
  }

  async stop(): Promise<void> {
    await this.process.stop();
  }

  /** Whether reaching `model` needs a reload. */
  async needsReload(model: EdgeModel): Promise<boolean> {
    const applied = this.applied ?? (await this.readApplied());
    return applied.mark !== generationMark(this.generationOf(model));
  }

  /** Brings servers and hosts of the backends HAProxy already has to what `model` says. */
  async applyRuntime(model: EdgeModel): Promise<void> {
    this.wanted = model;
    this.hasPendingDeletions = false;
    for (let round = 0; round < MAX_RUNTIME_ROUNDS; round += 1) {
      const applied = this.applied ?? (await this.readApplied());
      const isSameStructure = applied.mark === generationMark(this.generationOf(model));
      const contents = contentsWithoutReload(model, { ...applied, isSameStructure });
      const commands = planEdgeUpdate(applied, contents);
      if (commands.length === 0) return;
      if (await this.execute(applied, commands)) break;
    }
  }

  /** Writes, validates, swaps, reloads and proves; on failure restores the last good file and throws {@link EdgeRefusedError}. */
  reload(model: EdgeModel): Promise<void> {
    return this.files.run(() => this.swapAndReload(model));
  }

  private async swapAndReload(model: EdgeModel): Promise<void> {
    const { files, logger } = this.options;
    const candidate = `${files.config}.candidate`;
    const text = renderConfig(model, this.options.settings, this.generationOf(model));
    await replaceFile(files.hostsMap, renderHostsMap(model.hosts));
    await replaceFile(candidate, text);
    const verdict = await validateConfig(candidate);
    if (!verdict.ok) throw new EdgeRefusedError(verdict.reason);
    await replaceFile(files.config, text);
    const startedMs = performance.now();
    this.process.reload();
    this.reloads += 1;
    try {
      await this.waitUntilServing(generationMark(this.generationOf(model)));
    } catch (error) {
      await this.restoreLastGood();
      throw new EdgeRefusedError(`the new configuration did not come up: ${String(error)}`);
    }
    this.wanted = model;
    await replaceFile(files.lastGoodConfig, text);
    logger.info({ reloadMs: Math.round(performance.now() - startedMs) }, 'reloaded HAProxy');
  }

  /** Reads HAProxy's own state again; differences to what we believed are drift. */
  async refresh(): Promise<void> {
    const believed = this.applied;
    const found = await this.readApplied();
    if (believed !== undefined && planEdgeUpdate(found, believed).length > 0)
      this.driftRepairs += 1;
  }

  /** Keeps the file on disk equal to what is served, so that a restart is right. */
  persist(): Promise<void> {
    return this.files.run(async () => {
      if (this.wanted !== undefined && !(await this.needsReload(this.wanted))) {
        await this.writeConfig(this.wanted);
      }
    });
  }

  /** Ports the running configuration listens on. */
  async listenPorts(): Promise<ReadonlySet<number>> {
    const text = await readFile(this.options.files.config, 'utf8').catch(() => '');
    const ports = parse(text)
      .lines.map((line) => valuesOf(line.words))
      .filter(([keyword]) => keyword === 'bind')
      .map(([, address = '']) => Number(address.slice(address.lastIndexOf(':') + 1)));
    return new Set(ports);
  }

  /** `backend/server` -> sessions and queued requests, over the current worker and those still finishing. */
  sessions(): Promise<ReadonlyMap<string, number>> {
    return readOpenSessions(this.options.files);
  }

  /** The state of a server (`backend/server`) as last applied; undefined: HAProxy does not have it. */
  serverState(server: string): 'ready' | 'maint' | undefined {
    const [backend = '', name = ''] = server.split('/');
    return this.applied?.servers.get(backend)?.get(name)?.state;
  }

  private generationOf(model: EdgeModel): string {
    const known = this.generations.get(model);
    if (known !== undefined) return known;
    const structure = renderStructure(model, this.options.settings);
    const generation = createHash('sha256').update(structure).digest('hex').slice(0, 16);
    this.generations.set(model, generation);
    return generation;
  }

  private async writeConfig(model: EdgeModel): Promise<void> {
    const { files, settings } = this.options;
    await replaceFile(files.hostsMap, renderHostsMap(model.hosts));
    await replaceFile(files.config, renderConfig(model, settings, this.generationOf(model)));
  }

  private async restoreLastGood(): Promise<void> {
    const { files, logger } = this.options;
    this.applied = undefined;
    const lastGood = await readFile(files.lastGoodConfig, 'utf8').catch(() => undefined);
    if (lastGood === undefined) return;
    logger.error('restoring the last good HAProxy configuration');
    await replaceFile(files.config, lastGood);
    this.process.reload();
    await this.waitUntilServing(undefined).catch(() => undefined);
  }

  /** Resolves when a worker answers that was started with `mark` (any when undefined). */
  private async waitUntilServing(mark: string | undefined): Promise<void> {
    const deadlineMs = performance.now() + SERVING_TIMEOUT_MS;
    for (;;) {
      const applied = await this.readApplied().catch(() => undefined);
      if (applied !== undefined && (mark === undefined || applied.mark === mark)) return;
      if (performance.now() > deadlineMs) {
        throw new Error(`no worker with ${mark ?? 'any mark'} within ${SERVING_TIMEOUT_MS} ms`);
      }
      await new Promise((resolve) => setTimeout(resolve, SERVING_POLL_MS));
    }
  }

  private async readApplied(): Promise<AppliedEdge> {
    const { adminSocket, hostsMap } = this.options.files;
    const [info = '', state = '', map = '', backends = ''] = await runCommands(adminSocket, [
      'show info',
      'show servers state',
      `show map ${hostsMap}`,
      'show backend',
    ]);
    this.applied = {
      mark: parseDescription(info),
      servers: parseServersState(state),
      hosts: parseMap(map),
      backends: new Set(
        backends.split('\n').filter((name) => name !== '' && !name.startsWith('#')),
      ),
    };
    return this.applied;
  }

  /** False when a reply was unexpected: HAProxy's state was read anew and the plan must be made again. */
  private async execute(applied: AppliedEdge, commands: readonly EdgeCommand[]): Promise<boolean> {
    const context = {
      hostsMap: this.options.files.hostsMap,
      stickyBackends: new Set(
        this.wanted?.structure.routes.filter((route) => route.sticky).map((route) => route.backend),
      ),
    };
    const lines = commands.map((command) => toRuntimeLines(command, context));
    const replies = await runCommands(this.options.files.adminSocket, lines.flat());
    let at = 0;
    const done: EdgeCommand[] = [];
    let isAsExpected = true;
    for (const [index, command] of commands.entries()) {
      const own = replies.slice(at, at + (lines[index]?.length ?? 0));
      at += own.length;
      if (own.every(isSuccess)) done.push(command);
      else if (command.kind === 'delete-server') this.hasPendingDeletions = true;
      else {
        isAsExpected = false;
        this.options.logger.warn({ command, replies: own }, 'HAProxy refused a command');
      }
    }
    this.runtimeChanges += done.length;
    this.applied = { ...applied, ...applyCommands(applied, done) };
    if (!isAsExpected) await this.readApplied();
    return isAsExpected;
  }
}
