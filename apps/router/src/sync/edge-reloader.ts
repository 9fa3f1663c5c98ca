import type { Logger } from '#platform';
import type { EdgeModel } from '#routing';
import { EdgeRefusedError } from '../haproxy/edge-refused.js';
import type { Edge } from './edge.port.js';
import { OccupiedPorts } from './occupied-ports.js';
import type { Problems } from './problems.js';
import { ReloadGate } from './reload-gate.js';
import type { Wanted, WantedEdge } from './wanted-edge.js';

export interface EdgeReloaderOptions {
  readonly edge: Edge;
  readonly wanted: WantedEdge;
  readonly problems: Problems;
  readonly logger: Logger;
  /** Whether a port can be bound now. */
  readonly isPortFree: (port: number) => Promise<boolean>;
  /** Ports of the edge it can do without: TLS, apps by header. */
  readonly ownPorts: readonly number[];
  /** A reload may happen now: `follow` is to be called. */
  readonly onOpen: () => void;
}

/** How often in one reload what HAProxy refuses is looked for and left out. */
const MAX_ISOLATIONS = 3;

/**
 * Brings the edge to what is wanted: at run time as far as it goes, by a reload when its time has come. What HAProxy refuses
 * is found and left out; all others go on.
 */
export class EdgeReloader {
  private readonly gate: ReloadGate;
  private readonly occupied: OccupiedPorts;

  constructor(private readonly options: EdgeReloaderOptions) {
    this.gate = new ReloadGate(options.onOpen);
    this.occupied = new OccupiedPorts(options.isPortFree);
  }

  /** What is wanted now, without the ports that somebody else holds. */
  build(): Wanted {
    return this.options.wanted.build(this.occupied.ports);
  }

  /** Tries the ports again that somebody else held. */
  retryPorts(): Promise<void> {
    return this.occupied.retry();
  }

  /** Whether somebody else holds a port of this host. */
  isTaken(port: number): boolean {
    return this.occupied.ports.has(port);
  }

  stop(): void {
    this.gate.close();
  }

  /** `reached`: HAProxy has all of it. `waiting`: a reload is to come. `reloaded`: what changed meanwhile is to be looked at. */
  async follow(model: EdgeModel): Promise<'reached' | 'waiting' | 'reloaded'> {
    const { edge, problems } = this.options;
    await edge.applyRuntime(model);
    this.tellOfOwnPorts();
    if (!(await edge.needsReload(model))) {
      problems.clear('reload');
      this.gate.close();
      return 'reached';
    }
    if (this.gate.isOpen) {
      await this.reload();
      return 'reloaded';
    }
    if (!this.gate.isScheduled) this.gate.schedule(await edge.oldWorkers());
    return 'waiting';
  }

  private tellOfOwnPorts(): void {
    const { ownPorts, problems } = this.options;
    const taken = ownPorts.filter((port) => this.isTaken(port));
    if (taken.length === 0) problems.clear('ports');
    else problems.note('ports', `port ${taken.join(', ')} of the edge is used by another program`);
  }

  private async reload(): Promise<void> {
    const { edge, wanted, problems } = this.options;
    this.gate.close();
    // A port somebody else holds is left out and reported as a conflict.
    const ports = [...wanted.wantedPorts(), ...this.options.ownPorts];
    await this.occupied.probe(ports, await edge.listenPorts());
    this.gate.noteReload();
    for (let isolations = 0; ; isolations += 1) {
      const { table, model } = this.build();
      try {
        await edge.reload(model);
        wanted.refused.noteServed(table.routes);
        problems.clear('reload');
        return;
      } catch (error) {
        if (!(error instanceof EdgeRefusedError)) throw error;
        const canIsolate = isolations < MAX_ISOLATIONS && error.stage === 'check';
        if (!canIsolate || !(await this.isolate({ table, model }, error))) {
          this.noteRefusal(error);
          return;
        }
      }
    }
  }

  /** False: nothing that could be left out is to blame. */
  private async isolate({ table }: Wanted, error: EdgeRefusedError): Promise<boolean> {
    const { edge, wanted, logger } = this.options;
    const offenders = await edge.findOffenders(table.routes, error.message);
    for (const { route, reason } of offenders) {
      logger.warn({ app: route.appId, port: route.portIndex, reason }, 'HAProxy refuses an app');
      wanted.refused.noteRefused([route], reason);
    }
    return offenders.length > 0;
  }

  private noteRefusal(error: EdgeRefusedError): void {
    const { problems, logger } = this.options;
    this.gate.noteRefusal();
    problems.note('reload', error);
    logger.error({ err: error }, 'HAProxy refused the configuration; serving the last good one');
  }
}
