import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { createLogger, type Logger, ownAuthorization, processTls, schemeOf } from '#platform';
import { listenerKey } from '#routing';
import { EdgeCertificates } from './certificates/edge-certificates.js';
import { ControllerClient } from './controller/controller-client.js';
import { DnsService } from './dns/dns.service.js';
import { edgeRules } from './edge-rules.js';
import { HARD_STOP_SECONDS, toEdgeSettings } from './edge-settings.js';
import { AttachedProcess } from './haproxy/attached-process.js';
import { BaseConfig } from './haproxy/base-config.js';
import { addDrift, NO_DRIFT } from './haproxy/drift.js';
import { type EdgeFiles, edgeFilesIn } from './haproxy/edge-files.js';
import { EdgeWatch } from './haproxy/edge-watch.js';
import { HaproxyEdge } from './haproxy/haproxy-edge.js';
import { isListenerFree } from './haproxy/validate-config.js';
import { ROUTER_CONFIG, type RouterConfig } from './router-config.js';
import { registerMetrics } from './router-metrics.js';
import { KeptList } from './sync/kept-list.js';
import { type IsPortFree, OccupiedPorts } from './sync/occupied-ports.js';
import { RouterLoop } from './sync/router-loop.js';

/** Wires the loop to HAProxy and the controller, for the life of the process. */
@Injectable()
export class RouterService implements OnModuleDestroy {
  readonly files: EdgeFiles;
  readonly loop: RouterLoop;
  readonly dns: DnsService;
  readonly edge: HaproxyEdge;
  readonly watch: EdgeWatch;
  private readonly base: BaseConfig | undefined;

  constructor(@Inject(ROUTER_CONFIG) config: RouterConfig) {
    const logger = createLogger('router');
    const scheme = schemeOf(processTls()?.settings);
    const { binary, foreign } = config.haproxy;
    this.files = edgeFilesIn(join(config.dataDirectory, 'haproxy'), foreign);
    const { files } = this;
    const base = this.newBase(config, logger);
    this.base = base;
    let hasDefaultCertificate = false;
    const isPortFree: IsPortFree = (place, held) => isListenerFree(config.edgeHosts, place, held);
    const occupied = new OccupiedPorts(isPortFree);
    const settings = toEdgeSettings(config, files, {
      baseConfig: () => base?.text,
      hasDefaultCertificate: () => hasDefaultCertificate,
      isTaken: (port) => occupied.ports.has(listenerKey({ port })),
    });
    const edge = new HaproxyEdge({
      files,
      logger,
      binary,
      ...(base === undefined ? {} : { base }),
      ...(foreign === undefined
        ? {}
        : { newProcess: (onExit) => new AttachedProcess({ files, logger, onExit }) }),
      settings,
      onExit: () => this.loop.haproxyGone(),
    });
    this.edge = edge;
    this.watch = new EdgeWatch({
      ...{ files, logger, binary, edge, base },
      hardStopSeconds: HARD_STOP_SECONDS,
      isOurs: foreign === undefined,
      table: () => this.loop.table,
    });
    this.dns = new DnsService({
      config: config.dns,
      dataDirectory: config.dataDirectory,
      edgeHosts: config.edgeHosts,
      logger,
      isConnected: () => this.loop.isConnected,
    });
    const client = new ControllerClient(
      config.controllerUrls,
      ownAuthorization('operator', (level, message) => logger[level](message)),
    );
    this.loop = new RouterLoop({
      ...(config.dns.isEnabled ? { names: this.dns.names } : {}),
      routerId: readRouterId(config.dataDirectory),
      rules: edgeRules(config, () => base?.text),
      isPortFree,
      own: { wanted: ownListeners(config), occupied },
      client,
      edge,
      certificates: new EdgeCertificates({
        client,
        files: this.files,
        binary,
        onDefault: (isThere) => {
          hasDefaultCertificate = isThere;
        },
        onReload: () => edge.askForReload(),
        onDrift: (certificate) => {
          edge.drift = addDrift(edge.drift, { ...NO_DRIFT, certificate });
        },
        ...(config.certificateDirectory !== '' && { directory: config.certificateDirectory }),
      }),
      kept: {
        health: new KeptList(join(config.dataDirectory, 'healthy-tasks.json'), logger),
        hosts: new KeptList(join(config.dataDirectory, 'host-addresses.json'), logger),
      },
      logger,
      statistics: () => this.watch.statistics(this.loop.openProblems),
      url: () => `${scheme}://${config.host}:${config.port}`,
    });
    registerMetrics(edge, this.loop, this.watch);
  }

  /** Neither waits for the other: a disk or a port that keeps DNS waiting keeps nothing from HAProxy. */
  async start(): Promise<void> {
    await this.dns.restore();
    await Promise.all([this.dns.listen(), this.startEdge()]);
  }

  private async startEdge(): Promise<void> {
    this.watch.start();
    await this.edge.prepare();
    await this.base?.start();
    await this.loop.start();
  }

  async onModuleDestroy(): Promise<void> {
    this.base?.stop();
    this.watch.stop();
    await this.loop.stop();
    await this.dns.stop();
  }

  /** The operator's file; of a HAProxy that is not ours, what it had before, unless another is named. */
  private newBase(config: RouterConfig, logger: Logger): BaseConfig | undefined {
    const { basePath, foreign } = config.haproxy;
    const path = basePath ?? (foreign === undefined ? undefined : this.files.operatorConfig);
    if (path === undefined) return undefined;
    return new BaseConfig({
      path,
      logger,
      lastGoodPath: this.files.lastGoodBase,
      onChange: () => this.loop.resync(),
    });
  }
}

/** Beside the plain port, without which there is no edge. */
const ownListeners = ({ edgeTlsPort, edgeAppsPort }: RouterConfig) =>
  [edgeTlsPort, edgeAppsPort].filter((port) => port > 0).map((port) => ({ port }));

/** Kept over restarts, so that the controller does not wait for a router that is only the former life of this one. */
function readRouterId(directory: string): string {
  const path = join(directory, 'router-id');
  try {
    const id = readFileSync(path, 'utf8').trim();
    if (id !== '') return id;
  } catch {
    // First start.
  }
  const id = `router-${randomUUID()}`;
  writeFileSync(path, `${id}\n`);
  return id;
}
