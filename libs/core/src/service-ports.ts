import type { App, Network } from './app.js';

/** Whether tasks share their host's network (also when no network is named). */
export const isHostNetworking = (networks: readonly Network[] | undefined): boolean =>
  networks === undefined || networks.length === 0 || networks[0]?.mode === 'host';

/** The service ports of an app in order: of its port definitions, or of its port mappings. 0: not assigned. */
export const servicePortsOf = (
  app: Pick<App, 'networks' | 'portDefinitions' | 'container'>,
): readonly number[] =>
  isHostNetworking(app.networks)
    ? app.portDefinitions.map((definition) => definition.port)
    : (app.container?.portMappings ?? []).map((mapping) => mapping.servicePort);
