import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Counter, Gauge } from 'prom-client';
import { createLogger, metricsRegistry, ownAuthorization, processTls, schemeOf } from '#platform';
import type { EdgeSettings } from '#routing';
import { EdgeCertificates } from './certificates/edge-certificates.js';
import { ControllerClient } from './controller/controller-client.js';
import { DnsService } from './dns/dns.service.js';
import { type EdgeFiles, edgeFilesIn } from './haproxy/edge-files.js';
import { HaproxyEdge } from './haproxy/haproxy-edge.js';
import { isPortFreeAt } from './haproxy/validate-config.js';
import { ROUTER_CONFIG, type RouterConfig } from './router-config.js';
import { HealthRecord } from './sync/health-record.js';
import { RouterLoop } from './sync/router-loop.js';
import type { EdgeRules } from './sync/wanted-edge.js';

const HARD_STOP_SECONDS = 60;

/** Wires the loop to HAProxy and the controller, for the life of the process. */
@Injectable()
export class RouterService implements OnModuleDestroy {
  readonly files: EdgeFiles;
  readonly loop: RouterLoop;
  readonly dns: DnsService;

  constructor(@Inject(ROUTER_CONFIG) config: RouterConfig) {
    const logger = createLogger('router');
    const scheme = schemeOf(processTls()?.settings);
    this.files = edgeFilesIn(join(config.dataDirectory, 'haproxy'));
    const settings: { -readonly [K in keyof EdgeSettings]: EdgeSettings[K] } = {
      bindAddresses: config.edgeHosts,
      httpPort: config.edgeHttpPort,
      ...(config.edgeAppsPort > 0 && { appsPort: config.edgeAppsPort }),
      acceptsProxy: config.acceptsProxy,
      statsSocket: this.files.adminSocket,
      mapFiles: this.files.maps,
      sockets: this.files.sockets,
      certificateDirectory: this.files.certificates,
      hardStopSeconds: HARD_STOP_SECONDS,
    };
    const setDefaultCertificate = (hasDefaultCertificate: boolean): void => {
      const { edgeTlsPort: port } = config;
      const { certificateList } = this.files;
      if (port > 0) settings.tls = { port, certificateList, hasDefaultCertificate };
    };
    const edge = new HaproxyEdge({
      files: this.files,
      logger,
      settings,
      onExit: () => this.loop.haproxyGone(),
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
    const rules: EdgeRules = {
      groups: config.groups,
      isStrict: config.isStrict,
      refusesTemplates: !config.takesTemplates,
      reservedPorts: new Set(config.reservedPorts),
    };
    this.loop = new RouterLoop({
      ...(config.dns.isEnabled ? { names: this.dns.names } : {}),
      routerId: readRouterId(config.dataDirectory),
      rules: () => rules,
      isPortFree: (port) => isPortFreeAt(config.edgeHosts, port),
      client,
      edge,
      certificates: new EdgeCertificates({
        client,
        files: this.files,
        onDefault: setDefaultCertificate,
        ...(config.certificateDirectory !== '' && { directory: config.certificateDirectory }),
      }),
      health: new HealthRecord(join(config.dataDirectory, 'healthy-tasks.json'), logger),
      logger,
      url: () => `${scheme}://${config.host}:${config.port}`,
    });
    registerMetrics(edge, this.loop);
  }

  /** DNS first: it does not wait for HAProxy. */
  async start(): Promise<void> {
    await this.dns.start();
    await this.loop.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.loop.stop();
    await this.dns.stop();
  }
}

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

function registerMetrics(edge: HaproxyEdge, loop: RouterLoop): void {
  const registers = [metricsRegistry];
  const counter = (name: string, help: string, read: () => number): void => {
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  };
  counter('pacer_router_reloads_total', 'HAProxy reloads', () => edge.reloads);
  counter(
    'pacer_router_runtime_changes_total',
    'Runtime API commands done',
    () => edge.runtimeChanges,
  );
  counter(
    'pacer_router_drift_repairs_total',
    'Differences found in HAProxy',
    () => edge.driftRepairs,
  );
  new Gauge({
    name: 'pacer_router_routes',
    help: 'Routes served',
    registers,
    collect() {
      this.set(loop.table.routes.length);
    },
  });
}
