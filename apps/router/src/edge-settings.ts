import type { EdgeSettings } from '#routing';
import type { EdgeFiles } from './haproxy/edge-files.js';
import type { RouterConfig } from './router-config.js';

/** Longest life of an old worker after a reload. */
export const HARD_STOP_SECONDS = 60;

/** What can change while the router runs. */
export interface LiveSettings {
  /** Text of the operator's haproxy.cfg; undefined: there is none. */
  readonly baseConfig: () => string | undefined;
  readonly hasDefaultCertificate: () => boolean;
  /** Whether another program has a port of the edge's own, which is done without then. */
  readonly isTaken: (port: number) => boolean;
}

/** The settings of an edge; what is live is asked for each time they are read. */
export function toEdgeSettings(
  config: RouterConfig,
  files: EdgeFiles,
  live: LiveSettings,
): EdgeSettings {
  const { edgeTlsPort: port } = config;
  const { certificateList } = files;
  return {
    bindAddresses: config.edgeHosts,
    httpPort: config.edgeHttpPort,
    acceptsProxy: config.acceptsProxy,
    statsSocket: files.adminSocket,
    mapFiles: files.maps,
    sockets: files.sockets,
    certificateDirectory: files.certificates,
    hardStopSeconds: HARD_STOP_SECONDS,
    get appsPort() {
      const { edgeAppsPort } = config;
      return edgeAppsPort === 0 || live.isTaken(edgeAppsPort) ? undefined : edgeAppsPort;
    },
    get baseConfig() {
      return live.baseConfig();
    },
    get tls() {
      if (port === 0 || live.isTaken(port)) return undefined;
      return { port, certificateList, hasDefaultCertificate: live.hasDefaultCertificate() };
    },
  };
}
