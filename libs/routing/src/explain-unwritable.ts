import { ConfigWriteError, formatLine } from 'haproxy-config-parser';
import { toEdgeModel } from './edge-model.js';
import type { EdgeServer } from './edge-server.js';
import type { EdgeSettings } from './render/edge-settings.js';
import { renderStructure } from './render/render-config.js';
import { serverLine, serverOptions } from './render/server-options.js';
import type { Route } from './route-table.js';

/** Stands for the settings of an edge: all that can be written is. */
const ANY_EDGE: EdgeSettings = {
  bindAddresses: ['::1'],
  httpPort: 1,
  appsPort: 2,
  tls: { port: 3, certificateList: '/list', hasDefaultCertificate: false },
  statsSocket: '/stats',
  mapFiles: {
    hosts: '/hosts',
    wildcards: '/wildcards',
    sni: '/sni',
    sniWildcards: '/sni-wildcards',
    ports: '/ports',
    apps: '/apps',
  },
  sockets: { http: '/http', https: '/https', tls: '/tls' },
  certificateDirectory: '/certificates',
  hardStopSeconds: 1,
};

/** A server of which everything is said that can be. */
const ANY_SERVER: EdgeServer = {
  ...{ name: 'name', address: '::1', port: 1, weight: 256, checkPort: 2 },
  state: 'maint',
};

/**
 * Why a route cannot be written into any configuration (a line of more than 64 words, a template that opens a section for
 * one of its hosts); undefined: it can. It is for the route alone to be left out. O(size of the route).
 */
export function explainUnwritable(route: Route): string | undefined {
  try {
    const alone = { ...route, endpoints: [] };
    renderStructure(toEdgeModel({ routes: [alone], conflicts: [] }), ANY_EDGE);
    formatLine(serverLine(ANY_SERVER, serverOptions(route)));
    return undefined;
  } catch (error) {
    if (error instanceof ConfigWriteError) return error.message;
    throw error;
  }
}
