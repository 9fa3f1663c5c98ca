import { isHostNetworking } from '#core';
import type { Definition } from './complete-app.js';
import { checkPort, checkPortNames, checkUnique, type Report } from './rule-report.js';

const NETWORK_NAME = /^[a-z0-9](?:[-a-z0-9_]*[a-z0-9])?$/;
const MAX_NETWORK_NAME_LENGTH = 63;

/** Networks, and the ports of host networking. */
export function validateNetworks(app: Definition, report: Report): void {
  const modes = new Set(app.networks.map((network) => network.mode));
  if (modes.size > 1) report('/networks', 'must not mix host, bridge and container networks');
  if (!modes.has('container') && app.networks.length > 1) {
    report('/networks', `at most one ${app.networks[0]?.mode} network is possible`);
  }
  if (app.container?.type === 'DOCKER' && app.networks.length > 1) {
    report('/networks', 'a DOCKER container can join one network only');
  }
  app.networks.forEach((network, index) => {
    const path = `/networks(${index})`;
    if (network.mode === 'container') validateName(network.name, path, report);
    else if (network.name !== undefined) {
      report(`${path}/name`, `must not be given for mode ${network.mode}`);
    }
    if (network.mode === 'host' && Object.keys(network.labels ?? {}).length > 0) {
      report(`${path}/labels`, 'must not be given for mode host');
    }
  });
  checkUnique(
    app.networks.map((network) => network.name ?? []),
    '/networks',
    report,
    'name',
  );
  validatePortDefinitions(app, report);
}

function validateName(name: string | undefined, path: string, report: Report): void {
  if (name === undefined) {
    report(`${path}/name`, 'is needed for mode container, as there is no default network');
  } else if (name.length > MAX_NETWORK_NAME_LENGTH || !NETWORK_NAME.test(name)) {
    report(
      `${path}/name`,
      `'${name}' must hold at most ${MAX_NETWORK_NAME_LENGTH} lowercase letters, digits, - and _`,
    );
  }
}

function validatePortDefinitions(app: Definition, report: Report): void {
  if (!isHostNetworking(app.networks)) {
    if (app.portDefinitions.length > 0) {
      report('/portDefinitions', 'are for host networking only: use container/portMappings');
    }
    return;
  }
  if (app.container?.portMappings !== undefined) {
    report('/container/portMappings', 'must not be given with host networking');
  }
  app.portDefinitions.forEach(({ port }, index) => {
    checkPort(port, `/portDefinitions(${index})/port`, report);
  });
  checkPortNames(
    app.portDefinitions.map((definition) => definition.name),
    '/portDefinitions',
    report,
  );
  checkUnique(
    app.portDefinitions.map(({ port }) => (port === 0 ? [] : String(port))),
    '/portDefinitions',
    report,
    'port',
  );
}
