import { readFile } from 'node:fs/promises';
import { type Logger, SerialQueue } from '#platform';
import {
  contentsWithoutReload,
  type EdgeCommand,
  type EdgeContents,
  type EdgeModel,
  type EdgeSettings,
  generationMark,
  listenPortsOf,
  planEdgeUpdate,
  type Route,
  renderConfig,
} from '#routing';
import { type AppliedEdge, readAppliedEdge, toDriftView } from './applied-edge.js';
import type { BaseConfig } from './base-config.js';
import { carryOut, contextOf } from './carry-out.js';
import { ConfigCheck } from './config-check.js';
import { addDrift, countDrift, type DriftCounts, NO_DRIFT, sumDrift } from './drift.js';
import { contentsAfter } from './edge-commands.js';
import { type EdgeFiles, replaceFile, writeMaps } from './edge-files.js';
import type { EdgeProcess } from './edge-process.port.js';
import { EdgeRefusedError } from './edge-refused.js';
import { startEdge } from './edge-start.js';
import { Generations } from './generations.js';
import { DEFAULT_BINARY } from './haproxy-command.js';
import { HaproxyProcess } from './haproxy-process.js';
import { isolateOffenders, type Offender } from './isolate-offenders.js';
import { listOldWorkers, readOpenSessions } from './open-sessions.js';
import { readMaxOpenFiles } from './process-facts.js';
import { parseDescription } from './read-state.js';
import { explainDifference, proveServing, type ServingExpectation } from './serving-proof.js';

const MAX_RUNTIME_ROUNDS = 3;
const MAX_LOG_CHARS = 2_000;

export interface HaproxyEdgeOptions {
  readonly files: EdgeFiles;
  readonly settings: EdgeSettings;
  readonly logger: Logger;
  /** Called when HAProxy is gone, or is to be replaced: `restart` is to be called. */
  readonly onExit: () => void;
  /** Program to ask and start; found by the PATH when it has no slash. */
  readonly binary?: string;
  /** The HAProxy to use; absent: one of our own. `onExit` is to be called when it is gone. */
  readonly newProcess?: (onExit: () => void) => EdgeProcess;
  /** What Pacer's configuration is built on; `settings.baseConfig` is to be its text. */
  readonly base?: Pick<BaseConfig, 'confirm' | 'refuse' | 'take'>;
}

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
  private isReloadAsked = false;
  private isMasterDeaf = false;
  private readonly process: EdgeProcess;
  /** Whoever writes the files waits here for the one before. */
  private readonly files = new SerialQueue({ name: 'haproxy files', limit: 8 });
  private readonly generations: Generations;
  private readonly check: ConfigCheck;
  private readonly binary: string;
  reloads = 0;
  runtimeChanges = 0;
  /** Differences found in HAProxy since the start, by kind. */
  drift: DriftCounts = NO_DRIFT;
  masterReplacements = 0;
  /** Some servers could not be deleted yet, connections being left. */
  hasPendingDeletions = false;

  constructor(private readonly options: HaproxyEdgeOptions) {
    const { files, logger, settings, binary, newProcess } = options;
    const onExit = (): void => {
      this.applied = undefined;
      options.onExit();
    };
    this.binary = binary ?? DEFAULT_BINARY;
    this.generations = new Generations(settings);
    this.check = new ConfigCheck({
      ...options,
      binary: this.binary,
      generations: this.generations,
      base: options.base,
      maxOpenFiles: () => readMaxOpenFiles(this.process.pid ?? 'self'),
    });
    this.process =
      newProcess?.(onExit) ??
      new HaproxyProcess({
        files,
        logger,
        hardStopSeconds: settings.hardStopSeconds,
        onExit,
        binary: this.binary,
      });
  }

  /** Of HAProxy's master. */
  get pid(): number | undefined {
    return this.process.pid;
  }

  /** What is wrong with HAProxy itself, for operators; undefined: nothing. */
  get problem(): string | undefined {
    return this.process.problem;
  }

  get driftRepairs(): number {
    return sumDrift(this.drift);
  }

  /** Adopts the running HAProxy, or starts one with the configuration on disk, or with one that routes nothing. */
  async start(empty: EdgeModel): Promise<void> {
    await this.prepare();
    if ((await this.process.adopt()) && (await this.readApplied().catch(() => undefined))) return;
    if (this.process.isOurs) await this.process.stop().catch(() => undefined);
    await this.restart(empty);
  }

  /** Keeps what a HAProxy that is not ours has before it gets our configuration: it goes back to it if that fails. */
  async prepare(): Promise<void> {
    const { files } = this.options;
    if (this.process.isOurs) return;
    const text = await readFile(files.config, 'utf8').catch(() => '');
    if (text === '' || parseDescription(text)?.startsWith(generationMark('')) === true) return;
    await replaceFile(files.operatorConfig, text);
    await replaceFile(files.lastGoodConfig, text);
  }

  /** HAProxy's master does not answer any more: the next `restart` replaces it. */
  noteDeafMaster(): void {
    this.isMasterDeaf = true;
    this.options.onExit();
  }

  /** The next look at it finds that a reload is needed, whatever differs. */
  askForReload(): void {
    this.isReloadAsked = true;
  }

  /**
   * Starts HAProxy anew after it went away: with what it served last, else with the file on disk, without ports that
   * another program has taken; as a last resort with `empty`. Does nothing while it serves. A master that was noted as
   * deaf is replaced first.
   */
  async restart(empty: EdgeModel): Promise<void> {
    if (this.isMasterDeaf) await this.replaceMaster();
    if (this.process.pid !== undefined && (await this.readApplied().catch(() => undefined))) return;
    await startEdge(
      {
        ...this.options,
        binary: this.binary,
        process: this.process,
        writeConfig: (model) => this.writeConfig(model),
        prove: () => this.prove({}),
      },
      { served: this.served, empty },
    );
  }

  /** With what is served: listeners and servers pass to the workers of the new master. */
  private async replaceMaster(): Promise<void> {
    const { logger } = this.options;
    this.isMasterDeaf = false;
    const before = await this.readApplied().catch(() => undefined);
    if (this.served !== undefined) await this.writeConfig(this.served);
    try {
      if (!(await this.process.replace())) return;
      this.masterReplacements += 1;
      await this.prove({ formerPid: before?.workerPid });
    } catch (error) {
      logger.error({ err: error }, 'cannot replace the master of HAProxy');
    }
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
    this.options.base?.take();
    const applied = this.applied ?? (await this.readApplied());
    const isAsked = this.hasRefusedCommands || this.isReloadAsked;
    return isAsked || applied.mark !== this.markOf(model);
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
        this.served = { ...this.served, servers, maps: contents.maps };
      }
      const commands = planEdgeUpdate(applied, contents);
      isReached = await this.execute({ applied, contents, model, commands });
    }
    this.hasRefusedCommands = !isReached;
  }

  /**
   * Writes, validates, swaps, reloads and proves: a new worker has the servers and hosts of the file and `explain` finds
   * nothing amiss. On failure restores the last good state and throws {@link EdgeRefusedError}.
   */
  reload(model: EdgeModel, explain?: ServingExpectation['explainDifference']): Promise<void> {
    return this.files.run(() => this.swapAndReload(model, explain));
  }

  private async swapAndReload(
    model: EdgeModel,
    explain: ServingExpectation['explainDifference'],
  ): Promise<void> {
    const { files, logger, settings, base } = this.options;
    this.isReloadAsked = false;
    const { baseConfig } = settings;
    await this.check.validate(model, this.served);
    const before = await this.readApplied().catch(() => undefined);
    const text = await this.writeConfig(model);
    const startedMs = performance.now();
    this.reloads += 1;
    try {
      await this.askForWorker();
      await this.prove({
        mark: this.markOf(model),
        formerPid: before?.workerPid,
        explainDifference: (applied) => explainDifference(applied, model) ?? explain?.(applied),
      });
    } catch (error) {
      base?.refuse(baseConfig, String(error));
      await this.restoreLastGood(before);
      throw new EdgeRefusedError(
        `the new configuration did not come up: ${String(error)}`,
        'start',
      );
    }
    this.served = model;
    this.hasRefusedCommands = false;
    await replaceFile(files.lastGoodConfig, text);
    await base?.confirm(baseConfig);
    logger.info({ reloadMs: Math.round(performance.now() - startedMs) }, 'reloaded HAProxy');
  }

  /** Throws when HAProxy says that there is none, or cannot be asked; its silence is no proof of one. */
  private async askForWorker(): Promise<void> {
    const answer = await this.process.reload();
    if (answer.kind === 'unreachable') throw new Error(answer.reason);
    if (answer.kind === 'taken' && answer.verdict === 'failure') {
      throw new Error(`HAProxy says: ${answer.log.slice(0, MAX_LOG_CHARS)}`);
    }
  }

  /** Reads HAProxy's own state again; differences to what we believed are drift, counted by kind. */
  async refresh(): Promise<DriftCounts> {
    const believed = this.applied;
    const found = await this.readApplied();
    if (believed === undefined) return NO_DRIFT;
    const counts = countDrift(toDriftView(found), toDriftView(believed));
    this.drift = addDrift(this.drift, counts);
    return counts;
  }

  /** Keeps the file on disk equal to what is served, so that a restart is right. */
  persist(): Promise<void> {
    return this.files.run(async () => {
      if (this.served === undefined) return;
      const applied = this.applied ?? (await this.readApplied());
      if (applied.mark === this.markOf(this.served)) await this.writeConfig(this.served);
    });
  }

  /** The routes to leave out so that HAProxy takes the others. `refusal`: what it said of all of them. */
  findOffenders(routes: readonly Route[], refusal: string): Promise<readonly Offender[]> {
    return this.files.run(() => isolateOffenders(this.check, routes, refusal));
  }

  /** Ports the running configuration listens on. */
  async listenPorts(): Promise<ReadonlySet<number>> {
    return listenPortsOf(await readFile(this.options.files.config, 'utf8').catch(() => ''));
  }

  /** `backend/server` -> sessions and queued requests of these backends, over the current worker and those still finishing. */
  sessions(backends: readonly string[]): Promise<ReadonlyMap<string, number>> {
    return readOpenSessions(this.options.files, backends);
  }

  /** How many workers only finish what they have; 0 while the master does not tell. */
  async oldWorkers(): Promise<number> {
    return (await listOldWorkers(this.options.files).catch(() => [])).length;
  }

  /** The state of a server (`backend/server`) as last applied; undefined: HAProxy does not have it. */
  serverState(server: string): 'ready' | 'maint' | undefined {
    const [backend = '', name = ''] = server.split('/');
    // While it is not known, it may well be in rotation.
    if (this.applied === undefined) return 'ready';
    return this.applied.servers.get(backend)?.get(name)?.state;
  }

  private markOf(model: EdgeModel): string {
    return this.generations.markOf(model);
  }

  private async writeConfig(model: EdgeModel): Promise<string> {
    const { files, settings } = this.options;
    const text = renderConfig(model, settings, this.generations.of(model));
    await writeMaps(files, model.maps);
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
      if (before !== undefined) await writeMaps(files, before.maps);
      await replaceFile(files.config, text);
    }
    const mark = parseDescription(text);
    try {
      await this.askForWorker();
      await this.prove({ mark, formerPid: current?.workerPid });
    } catch (error) {
      logger.error({ err: error }, 'the last good HAProxy configuration did not come up');
      // A master can be deaf after a start that failed (HAProxy issue 3229).
      await this.replaceMaster();
    }
    // Read anew with the next look, after which what changed meanwhile is applied.
    this.applied = undefined;
  }

  private prove(expected: ServingExpectation): Promise<void> {
    const isGone = (): boolean => this.process.pid === undefined;
    return proveServing({ read: () => this.readApplied(), isGone }, expected);
  }

  private async readApplied(): Promise<AppliedEdge> {
    this.applied = await readAppliedEdge(this.options.files);
    return this.applied;
  }

  /** False when a reply was unexpected: HAProxy's state was read anew and the plan must be made again. */
  private async execute({ applied, contents, model, commands }: RuntimeStep): Promise<boolean> {
    const { files, logger } = this.options;
    const context = contextOf(this.served ?? model, files);
    const refused = await carryOut(commands, { context, logger, socket: files.adminSocket });
    this.runtimeChanges += commands.length - refused.length;
    this.hasPendingDeletions ||= refused.length > 0;
    if (refused.every(({ kind }) => kind === 'delete-server')) {
      this.applied = { ...applied, ...contentsAfter(applied, contents, refused) };
      return true;
    }
    await this.readApplied();
    return false;
  }
}

interface RuntimeStep {
  readonly applied: AppliedEdge;
  readonly contents: EdgeContents;
  readonly model: EdgeModel;
  readonly commands: readonly EdgeCommand[];
}
