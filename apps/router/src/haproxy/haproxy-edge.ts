import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type Logger, SerialQueue } from '#platform';
import {
  contentsWithoutReload,
  type EdgeCommand,
  type EdgeModel,
  type EdgeSettings,
  generationMark,
  listenPortsOf,
  planEdgeUpdate,
  renderConfig,
  renderHostsMap,
  renderStructure,
  withoutListenPorts,
} from '#routing';
import { type AppliedEdge, readAppliedEdge } from './applied-edge.js';
import { applyCommands, isSuccess, toRuntimeLines } from './edge-commands.js';
import { type EdgeFiles, replaceFile } from './edge-files.js';
import { HaproxyProcess } from './haproxy-process.js';
import { listOldWorkers, readOpenSessions } from './open-sessions.js';
import { parseDescription } from './read-state.js';
import { runCommands } from './runtime-socket.js';
import { isPortFree, validateConfig } from './validate-config.js';

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
  /** The last structure HAProxy came up with, and what it should have in it now; undefined: not known since the start. */
  private served: EdgeModel | undefined;
  /** HAProxy refuses at run time what its file may well say. */
  private hasRefusedCommands = false;
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

  /**
   * Starts HAProxy anew after it went away: with what it served last, else with the file on disk, without ports that
   * another program has taken; as a last resort with `empty`. Does nothing while it serves.
   */
  async restart(empty: EdgeModel): Promise<void> {
    const { files, logger } = this.options;
    if (this.process.pid !== undefined && (await this.readApplied().catch(() => undefined))) return;
    if (this.served !== undefined) await this.writeConfig(this.served);
    else if (!(await validateConfig(files.config)).ok) await this.writeConfig(empty);
    try {
      await this.startAndProve();
    } catch (error) {
      await this.explainFailedStart(error);
      logger.warn({ err: error }, 'HAProxy did not start; leaving out ports that are in use');
      await this.leaveOutTakenPorts();
      await this.startAndProve().catch(async (cause: unknown) => {
        logger.error({ err: cause }, 'HAProxy did not start; starting it without routes');
        await this.writeConfig(empty);
        await this.startAndProve();
      });
    }
  }

  private async startAndProve(): Promise<void> {
    await this.process.start();
    try {
      await this.waitUntilServing({});
    } catch (error) {
      await this.process.stop();
      throw error;
    }
  }

  private async explainFailedStart(error: unknown): Promise<void> {
    const { bindAddress, httpPort } = this.options.settings;
    if (await isPortFree(bindAddress, httpPort)) return;
    throw new EdgeRefusedError(
      `port ${httpPort} of the edge is used by another program: stop it, or set PACER_EDGE_HTTP_PORT`,
      { cause: error },
    );
  }

  /** `haproxy -c` does not bind, so a valid file may not start. */
  private async leaveOutTakenPorts(): Promise<void> {
    const { files, settings } = this.options;
    const taken = new Set<number>();
    for (const port of await this.listenPorts()) {
      if (!(await isPortFree(settings.bindAddress, port))) taken.add(port);
    }
    const text = await readFile(files.config, 'utf8');
    await replaceFile(files.config, withoutListenPorts(text, taken));
  }

  /** Leaves HAProxy running, with a file on disk that it could be started with again. */
  async leave(): Promise<void> {
    if (this.process.pid === undefined) return;
    await this.persist().catch((error: unknown) =>
      this.options.logger.warn({ err: error }, 'cannot write haproxy.cfg'),
    );
    this.process.release();
  }

  /** Ends HAProxy. */
  async stop(): Promise<void> {
    await this.process.stop();
  }

  /** Whether reaching `model` needs a reload: for its structure, or since HAProxy refused to get there at run time. */
  async needsReload(model: EdgeModel): Promise<boolean> {
    const applied = this.applied ?? (await this.readApplied());
    return this.hasRefusedCommands || applied.mark !== this.markOf(model);
  }

  /** Brings servers and hosts of the backends HAProxy already has to what `model` says. */
  async applyRuntime(model: EdgeModel): Promise<void> {
    this.hasPendingDeletions = false;
    let isReached = false;
    for (let round = 0; round < MAX_RUNTIME_ROUNDS && !isReached; round += 1) {
      const applied = this.applied ?? (await this.readApplied());
      const isSameStructure = applied.mark === this.markOf(model);
      const contents = contentsWithoutReload(model, { ...applied, isSameStructure });
      if (isSameStructure) this.served = model;
      else if (this.served !== undefined) {
        const servers = new Map([...this.served.servers, ...contents.servers]);
        this.served = { ...this.served, servers, hosts: contents.hosts };
      }
      const commands = planEdgeUpdate(applied, contents);
      isReached = commands.length === 0 || (await this.execute(applied, commands));
    }
    this.hasRefusedCommands = !isReached;
  }

  /** Writes, validates, swaps, reloads and proves; on failure restores the last good state and throws {@link EdgeRefusedError}. */
  reload(model: EdgeModel): Promise<void> {
    return this.files.run(() => this.swapAndReload(model));
  }

  private async swapAndReload(model: EdgeModel): Promise<void> {
    const { files, logger } = this.options;
    await this.validate(model);
    const before = await this.readApplied().catch(() => undefined);
    const text = await this.writeConfig(model);
    const startedMs = performance.now();
    this.process.reload();
    this.reloads += 1;
    try {
      await this.waitUntilServing({ mark: this.markOf(model), formerPid: before?.workerPid });
    } catch (error) {
      await this.restoreLastGood(before);
      throw new EdgeRefusedError(`the new configuration did not come up: ${String(error)}`);
    }
    this.served = model;
    this.hasRefusedCommands = false;
    await replaceFile(files.lastGoodConfig, text);
    logger.info({ reloadMs: Math.round(performance.now() - startedMs) }, 'reloaded HAProxy');
  }

  /** On files of its own: those HAProxy would be restarted with stay as they are. */
  private async validate(model: EdgeModel): Promise<void> {
    const { files, settings } = this.options;
    const candidate = `${files.config}.candidate`;
    const hostsMapFile = `${files.hostsMap}.candidate`;
    const generation = this.generationOf(model);
    await replaceFile(hostsMapFile, renderHostsMap(model.hosts));
    await replaceFile(candidate, renderConfig(model, { ...settings, hostsMapFile }, generation));
    const verdict = await validateConfig(candidate);
    if (!verdict.ok) throw new EdgeRefusedError(verdict.reason);
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
      if (this.served === undefined) return;
      const applied = this.applied ?? (await this.readApplied());
      if (applied.mark === this.markOf(this.served)) await this.writeConfig(this.served);
    });
  }

  /** Ports the running configuration listens on. */
  async listenPorts(): Promise<ReadonlySet<number>> {
    return listenPortsOf(await readFile(this.options.files.config, 'utf8').catch(() => ''));
  }

  /** `backend/server` -> sessions and queued requests, over the current worker and those still finishing. */
  sessions(): Promise<ReadonlyMap<string, number>> {
    return readOpenSessions(this.options.files);
  }

  /** How many workers only finish what they have; 0 while the master does not tell. */
  async oldWorkers(): Promise<number> {
    return (await listOldWorkers(this.options.files).catch(() => [])).length;
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

  private markOf(model: EdgeModel): string {
    return generationMark(this.generationOf(model));
  }

  private async writeConfig(model: EdgeModel): Promise<string> {
    const { files, settings } = this.options;
    const text = renderConfig(model, settings, this.generationOf(model));
    await replaceFile(files.hostsMap, renderHostsMap(model.hosts));
    await replaceFile(files.config, text);
    return text;
  }

  /** The last good structure with the servers and hosts of now. `before`: what ran before the failed reload. */
  private async restoreLastGood(before: AppliedEdge | undefined): Promise<void> {
    const { files, logger } = this.options;
    logger.error('restoring the last good HAProxy configuration');
    const current = await this.readApplied().catch(() => undefined);
    let text: string | undefined;
    if (this.served !== undefined) text = await this.writeConfig(this.served);
    else {
      // Adopted with a structure that is only known as text.
      text = await readFile(files.lastGoodConfig, 'utf8').catch(() => undefined);
      if (text === undefined) return;
      await replaceFile(files.hostsMap, renderHostsMap(before?.hosts ?? new Map()));
      await replaceFile(files.config, text);
    }
    this.process.reload();
    const mark = parseDescription(text);
    await this.waitUntilServing({ mark, formerPid: current?.workerPid }).catch((error: unknown) =>
      logger.error({ err: error }, 'the last good HAProxy configuration did not come up'),
    );
    // Read anew with the next look, after which what changed meanwhile is applied.
    this.applied = undefined;
  }

  /** Resolves when a worker answers that was started with `mark` (any when undefined) and is not the former one. */
  private async waitUntilServing(expected: {
    readonly mark?: string | undefined;
    readonly formerPid?: number | undefined;
  }): Promise<void> {
    const { mark, formerPid } = expected;
    const deadlineMs = performance.now() + SERVING_TIMEOUT_MS;
    for (;;) {
      const applied = await this.readApplied().catch(() => undefined);
      const isAsMarked = mark === undefined || applied?.mark === mark;
      if (applied !== undefined && isAsMarked && applied.workerPid !== formerPid) return;
      if (this.process.pid === undefined) throw new Error('HAProxy ended');
      if (performance.now() > deadlineMs) {
        throw new Error(`no worker with ${mark ?? 'any mark'} within ${SERVING_TIMEOUT_MS} ms`);
      }
      await new Promise((resolve) => setTimeout(resolve, SERVING_POLL_MS));
    }
  }

  private async readApplied(): Promise<AppliedEdge> {
    this.applied = await readAppliedEdge(this.options.files);
    return this.applied;
  }

  /** False when a reply was unexpected: HAProxy's state was read anew and the plan must be made again. */
  private async execute(applied: AppliedEdge, commands: readonly EdgeCommand[]): Promise<boolean> {
    const context = {
      hostsMap: this.options.files.hostsMap,
      stickyBackends: new Set(
        this.served?.structure.routes.filter((route) => route.sticky).map((route) => route.backend),
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
