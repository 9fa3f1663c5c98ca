import type { Logger } from '#platform';
import { type EdgeModel, listenerKey, type RouteTable } from '#routing';
import { EdgeRefusedError } from '../haproxy/edge-refused.js';
import type { Offender } from '../haproxy/isolate-offenders.js';
import type { Edge } from './edge.port.js';
import { type IsPortFree, type ListenPlace, OccupiedPorts } from './occupied-ports.js';
import type { Problems } from './problems.js';
import { ReloadGate } from './reload-gate.js';
import type { Wanted, WantedEdge } from './wanted-edge.js';

export interface EdgeReloaderOptions {
  readonly edge: Edge;
  readonly wanted: WantedEdge;
  readonly problems: Problems;
  readonly logger: Logger;
  readonly isPortFree: IsPortFree;
  /** Ports of the edge itself that it can do without for a while. */
  readonly own?: OwnPorts;
  /** A reload may happen now: `follow` is to be called. */
  readonly onOpen: () => void;
}

/** What the edge listens on itself, beside the plain port; `occupied` says what of it is left out. */
export interface OwnPorts {
  readonly wanted: readonly ListenPlace[];
  readonly occupied: OccupiedPorts;
}

const WAITS_FOR_WORKERS =
  'it waits until a former worker of HAProxy has finished what it has, one minute at most: each keeps the whole configuration in memory';

/** How often in a row what HAProxy refuses is looked for and left out. */
const MAX_ISOLATIONS = 3;

/**
 * Brings the edge to what is wanted: at run time as far as it goes, by a reload when its time has come. What HAProxy refuses
 * is found and left out; all others go on, also while it is looked for.
 */
export class EdgeReloader {
  private readonly gate: ReloadGate;
  private readonly occupied: OccupiedPorts;
  private isIsolating = false;
  /** Since HAProxy last came up with what it was given. */
  private isolations = 0;
  private isStopped = false;

  constructor(private readonly options: EdgeReloaderOptions) {
    this.gate = new ReloadGate(options.onOpen);
    this.occupied = new OccupiedPorts(options.isPortFree);
  }

  /** What is wanted now, without the ports that somebody else holds. */
  build(): Wanted {
    return this.options.wanted.build(this.occupied.ports);
  }

  /** Tries the ports again that somebody else held. */
  async retryPorts(): Promise<void> {
    await this.occupied.retry();
    await this.options.own?.occupied.retry();
    this.tellOwnPorts();
  }

  /** The next reload waits for nothing but a second since the last one. */
  force(): void {
    this.gate.force();
  }

  /** Tries again what HAProxy refused. */
  retryRefused(): void {
    this.options.wanted.refused.retry();
  }

  /** Nothing is to come any more. */
  stop(): void {
    this.isStopped = true;
    this.gate.close();
  }

  /** `reached`: HAProxy has all of it. `waiting`: a reload is to come. `reloaded`: what changed meanwhile is to be looked at. */
  async follow(model: EdgeModel): Promise<'reached' | 'waiting' | 'reloaded'> {
    const { edge, problems } = this.options;
    await edge.applyRuntime(model);
    // What would be reloaded now is not known yet.
    if (this.isIsolating || this.isStopped) return 'waiting';
    if (!(await edge.needsReload(model))) {
      problems.clear('reload');
      this.gate.close();
      return 'reached';
    }
    if (this.gate.isOpen) {
      await this.reload();
      return 'reloaded';
    }
    if (!this.gate.isScheduled && !this.gate.schedule(await edge.workerRoom())) {
      problems.note('reload', WAITS_FOR_WORKERS);
    }
    return 'waiting';
  }

  private async reload(): Promise<void> {
    const { edge, wanted, problems, own } = this.options;
    this.gate.close();
    // A port somebody else holds is left out and reported as a conflict.
    const held = await edge.listenAddresses();
    await this.occupied.probe(wanted.wantedListeners(), held);
    if (own !== undefined) await own.occupied.probe(own.wanted, held);
    this.tellOwnPorts();
    this.gate.noteReload();
    const { table, model } = this.build();
    try {
      await edge.reload(model);
    } catch (error) {
      if (!(error instanceof EdgeRefusedError)) throw error;
      this.isolate(table, error);
      return;
    }
    wanted.refused.noteServed(table.routes);
    this.isolations = 0;
    problems.clear('reload');
  }

  private tellOwnPorts(): void {
    const { own, problems } = this.options;
    const taken = (own?.wanted ?? []).filter((one) => own?.occupied.ports.has(listenerKey(one)));
    const list = taken.map(({ port }) => `port ${port}`).join(', ');
    if (taken.length === 0) problems.clear('ports');
    else problems.note('ports', `${list} of the edge is used by another program: it is left out`);
  }

  /** Finds out who is to be left out, which takes up to 200 checks, while `follow` goes on; then the gate opens. */
  private isolate({ routes }: RouteTable, error: EdgeRefusedError): void {
    const { edge } = this.options;
    this.isolations += 1;
    if (error.stage === 'base' || this.isolations > MAX_ISOLATIONS) {
      this.noteRefusal(error);
      return;
    }
    this.isIsolating = true;
    const found =
      error.stage === 'check'
        ? edge.findOffenders(routes, error.message)
        : Promise.resolve(error.offenders);
    void found
      .then((offenders) => this.leaveOut(offenders, error))
      .catch((cause: unknown) => this.noteRefusal(cause))
      .finally(() => {
        this.isIsolating = false;
        if (!this.isStopped) this.options.onOpen();
      });
  }

  private leaveOut(offenders: readonly Offender[], error: EdgeRefusedError): void {
    const { wanted, logger } = this.options;
    for (const { route, reason } of offenders) {
      logger.warn({ app: route.appId, port: route.portIndex, reason }, 'HAProxy refuses an app');
      wanted.refused.noteRefused([route], reason);
    }
    if (offenders.length === 0) this.noteRefusal(error);
    else this.gate.openNext();
  }

  private noteRefusal(error: unknown): void {
    const { problems, logger } = this.options;
    if (this.isStopped) return;
    this.isolations = 0;
    this.gate.noteRefusal();
    problems.note('reload', error);
    logger.error({ err: error }, 'HAProxy refused the configuration; serving the last good one');
  }
}
