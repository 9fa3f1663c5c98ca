import { readFile } from 'node:fs/promises';
import { SerialQueue } from '#platform';
import {
  contentsWithoutReload,
  type EdgeCommand,
  type EdgeContents,
  type EdgeModel,
  planEdgeUpdate,
  type Route,
} from '#routing';
import {
  type AppliedEdge,
  type EdgeLook,
  readAppliedEdge,
  readWorker,
  settleLook,
  toDriftView,
} from './applied-edge.js';
import { blameStart } from './blame-start.js';
import { carryOut, contextOf } from './carry-out.js';
import { ConfigCheck } from './config-check.js';
import { addDrift, countDrift, type DriftCounts, NO_DRIFT, sumDrift } from './drift.js';
import { contentsAfter } from './edge-commands.js';
import { readListenAddresses, replaceFile, writeMaps } from './edge-files.js';
import type { HaproxyEdgeOptions } from './edge-options.js';
import type { EdgeProcess } from './edge-process.port.js';
import { EdgeRefusedError } from './edge-refused.js';
import { startEdge } from './edge-start.js';
import { type EdgeVersion, versionNow, withContents, writeVersion } from './edge-version.js';
import { Generations } from './generations.js';
import { DEFAULT_BINARY } from './haproxy-command.js';
import { HaproxyProcess } from './haproxy-process.js';
import { isolateOffenders, type Offender } from './isolate-offenders.js';
import { keepOperatorConfig } from './keep-operator-config.js';
import { readOpenSessions } from './open-sessions.js';
import { readMaxOpenFiles } from './process-facts.js';
import { parseDescription } from './read-state.js';
import { explainDifference, proveServing, type ServingExpectation } from './serving-proof.js';
import { readWorkerRoom } from './worker-room.js';

const MAX_RUNTIME_ROUNDS = 3;
const MAX_LOG_CHARS = 2_000;

/**
 * The running edge: knows what HAProxy has (by asking HAProxy) and brings it to a wanted model, through the runtime
 * API when only servers and hosts differ, by a proved reload otherwise. Calls must not overlap.
 */
export class HaproxyEdge {
  private applied: AppliedEdge | undefined;
  /** What HAProxy last came up with, and should have in it now; undefined: not known since the start. */
  private served: EdgeVersion | undefined;
  /** HAProxy refuses at run time what its file may well say. */
  private hasRefusedCommands = false;
  private isReloadAsked = false;
  private isMasterDeaf = false;
  private readonly process: EdgeProcess;
  /** Whoever writes the files waits here for the one before. */
  private readonly files = new SerialQueue({ name: 'haproxy files', limit: 8 });
  private readonly generations = new Generations();
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
    const { files, logger, settings, binary, newProcess, base } = options;
    const onExit = (): void => {
      this.forget();
      options.onExit();
    };
    this.binary = binary ?? DEFAULT_BINARY;
    this.check = new ConfigCheck({
      ...{ files, base, binary: this.binary, generations: this.generations },
      maxOpenFiles: () => readMaxOpenFiles(this.process.pid ?? 'self'),
      isOurs: () => this.process.isOurs,
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
    if (!this.process.isOurs) await keepOperatorConfig(this.options.files);
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
  restart(empty: EdgeModel): Promise<void> {
    return this.files.run(() => this.startAnew(empty));
  }

  private async startAnew(empty: EdgeModel): Promise<void> {
    if (this.isMasterDeaf) await this.replaceMaster();
    if (this.process.pid !== undefined && (await this.readApplied().catch(() => undefined))) return;
    await startEdge(
      {
        ...this.options,
        ...{ binary: this.binary, process: this.process, check: this.check },
        write: (version) => this.write(version),
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
    if (this.served !== undefined) await this.write(this.served);
    try {
      if (!(await this.process.replace())) return;
      this.masterReplacements += 1;
      await this.prove({ formerPid: before?.workerPid });
    } catch (error) {
      logger.error({ err: error }, 'cannot replace the master of HAProxy');
    }
  }

  /** Ends every wait for HAProxy, now and to come, so that what is under way ends. HAProxy goes on. */
  release(): void {
    this.check.stop();
    this.process.release();
  }

  /** Leaves HAProxy running, with a file on disk that it could be started with again. */
  async leave(): Promise<void> {
    this.release();
    if (this.process.pid === undefined) return;
    await this.persist().catch((error: unknown) =>
      this.options.logger.warn({ err: error }, 'cannot write haproxy.cfg'),
    );
  }

  /** Ends HAProxy. */
  stop(): Promise<void> {
    return this.process.stop();
  }

  /** Whether reaching `model` needs a reload: for its structure, or since HAProxy refused to get there at run time. */
  async needsReload(model: EdgeModel): Promise<boolean> {
    this.options.base?.take();
    const applied = this.applied ?? (await this.readApplied());
    const isAsked = this.hasRefusedCommands || this.isReloadAsked;
    return isAsked || applied.mark !== this.generations.markOf(this.versionNow(model));
  }

  /** Brings servers and hosts of the backends HAProxy already has to what `model` says. */
  async applyRuntime(model: EdgeModel): Promise<void> {
    this.hasPendingDeletions = false;
    const version = this.versionNow(model);
    let isReached = false;
    for (let round = 0; round < MAX_RUNTIME_ROUNDS && !isReached; round += 1) {
      const applied = this.applied ?? (await this.readApplied());
      const isSameStructure = applied.mark === this.generations.markOf(version);
      const contents = contentsWithoutReload(model, { ...applied, isSameStructure });
      if (isSameStructure) this.served = version;
      else if (this.served !== undefined) this.served = withContents(this.served, contents);
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
    const { files, logger, base } = this.options;
    this.isReloadAsked = false;
    const version = this.versionNow(model);
    const { baseConfig } = version.settings;
    await this.check.validate(version, this.served?.model);
    const before = await this.readApplied().catch(() => undefined);
    const text = await this.write(version);
    const startedMs = performance.now();
    this.reloads += 1;
    try {
      await this.askForWorker();
      await this.prove({
        mark: this.generations.markOf(version),
        formerPid: before?.workerPid,
        explainDifference: (applied) => explainDifference(applied, model) ?? explain?.(applied),
      });
    } catch (error) {
      const said = await this.process.said();
      const { routes } = model.structure;
      const offenders = blameStart({ text, routes, said, error }, base, baseConfig);
      await this.restoreLastGood(before);
      const reason = `the new configuration did not come up: ${String(error)}`;
      throw new EdgeRefusedError(reason, 'start', { offenders });
    }
    this.served = version;
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

  /** Reads HAProxy's own state, for `compare`; other calls may overlap. */
  async look(): Promise<EdgeLook> {
    const before = this.applied;
    const read = readAppliedEdge(this.options.files);
    // Nothing is believed any more while it does not tell.
    read.catch(() => this.forget());
    return { before, found: await read };
  }

  /** Differences to what we believed are drift, counted by kind; they are repaired with what is applied next. */
  compare(look: EdgeLook): DriftCounts {
    const believed = this.applied;
    const applied = settleLook(look, believed);
    // A worker that is not ours to know: what it has is read with what is applied next.
    if (applied === undefined && look.before?.workerPid === believed?.workerPid) this.forget();
    if (applied === undefined || believed === undefined) return NO_DRIFT;
    this.applied = applied;
    const counts = countDrift(toDriftView(applied), toDriftView(believed));
    this.drift = addDrift(this.drift, counts);
    return counts;
  }

  /** Keeps the file on disk equal to what is served, so that a restart is right. */
  persist(): Promise<void> {
    return this.files.run(async () => {
      if (this.served === undefined) return;
      const applied = this.applied ?? (await this.readApplied());
      if (applied.mark === this.generations.markOf(this.served)) await this.write(this.served);
    });
  }

  /** The routes to leave out so that HAProxy takes the others. `refusal`: what it said of all of them. */
  findOffenders(routes: readonly Route[], refusal: string): Promise<readonly Offender[]> {
    return isolateOffenders(this.check.of({ ...this.options.settings }), routes, refusal);
  }

  /** Where the running configuration listens, as its bind lines have it. */
  listenAddresses(): Promise<ReadonlySet<string>> {
    return readListenAddresses(this.options.files);
  }

  /** `backend/server` -> sessions and queued requests of these backends, over the current worker and those still finishing. */
  sessions(backends: readonly string[]): Promise<ReadonlyMap<string, number>> {
    return readOpenSessions(this.options.files, backends);
  }

  /** For how many more workers that only finish what they have there is room. */
  workerRoom(): Promise<number> {
    return readWorkerRoom(this.options.files);
  }

  /** The state of a server (`backend/server`) as last applied; undefined: HAProxy does not have it. */
  serverState(server: string): 'ready' | 'maint' | undefined {
    const [backend = '', name = ''] = server.split('/');
    // While it is not known, it may well be in rotation.
    if (this.applied === undefined) return 'ready';
    return this.applied.servers.get(backend)?.get(name)?.state;
  }

  private readonly versionNow = (model: EdgeModel) => versionNow(model, this.options.settings);

  private write(version: EdgeVersion): Promise<string> {
    const generation = this.generations.of(version.model, version.settings);
    return writeVersion(version, this.options.files, generation);
  }

  /** The last good structure with the servers and hosts of now. `before`: what ran before the failed reload. */
  private async restoreLastGood(before: AppliedEdge | undefined): Promise<void> {
    const { files, logger } = this.options;
    logger.error('restoring the last good HAProxy configuration');
    const current = await this.readApplied().catch(() => undefined);
    let text: string | undefined;
    if (this.served !== undefined) text = await this.write(this.served);
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
    this.forget();
  }

  private prove(expected: ServingExpectation): Promise<void> {
    const isGone = (): boolean => this.process.pid === undefined;
    const peek = () => readWorker(this.options.files);
    return proveServing({ peek, read: () => this.readApplied(), isGone }, expected);
  }

  private forget(): void {
    this.applied = undefined;
  }

  private async readApplied(): Promise<AppliedEdge> {
    this.applied = await readAppliedEdge(this.options.files);
    return this.applied;
  }

  /** False when a reply was unexpected: HAProxy's state was read anew and the plan must be made again. */
  private async execute({ applied, contents, model, commands }: RuntimeStep): Promise<boolean> {
    const { files, logger } = this.options;
    const context = contextOf(this.served?.model ?? model, files);
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
