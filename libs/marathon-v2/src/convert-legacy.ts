import type { FetchUri, Network, PortDefinition } from '#core';
import { isHostNetworking } from '#core';
import { definedFields } from './object-reader.js';
import type { ProblemLog } from './refusal.js';
import { checkPort, checkUnique, type Report } from './rule-report.js';
import type {
  AppFields,
  DockerNetwork,
  IpAddressFields,
  LegacyFields,
  WrittenApp,
} from './written-app.js';

/** Turns older forms into today's fields. Saying the same thing twice is fine, saying two things is a rule violation. */
export function convertLegacy(written: WrittenApp, path: string, problems: ProblemLog): AppFields {
  const { legacy } = written;
  const fields = { ...written.fields, ...convertNetworks(written.fields, legacy, path, problems) };
  return {
    ...fields,
    ...convertUris(fields, legacy, path, problems),
    ...convertPorts(fields, legacy, path, problems),
    ...convertPortMappings(fields, legacy, path, problems),
  };
}

/** An empty list was how older clients said "none", beside the field that replaced it. */
function convertUris(
  fields: AppFields,
  { uris }: LegacyFields,
  path: string,
  problems: ProblemLog,
): Pick<AppFields, 'fetch'> {
  if (uris === undefined) return {};
  if (fields.fetch === undefined) return { fetch: uris.map(fetchOf) };
  const same =
    uris.length === fields.fetch.length &&
    uris.every((uri, index) => fields.fetch?.[index]?.uri === uri);
  if (uris.length > 0 && !same) {
    problems.reportRule(`${path}/uris`, 'must not be given together with fetch');
  }
  return {};
}

const ARCHIVE = /\.(tgz|tar\.gz|tbz2|tar\.bz2|txz|tar\.xz|zip)$/;

const fetchOf = (uri: string): FetchUri => ({
  uri,
  extract: ARCHIVE.test(uri),
  executable: false,
  cache: false,
});

function convertNetworks(
  fields: AppFields,
  { ipAddress, dockerNetwork }: LegacyFields,
  path: string,
  problems: ProblemLog,
): Pick<AppFields, 'networks'> {
  if (fields.networks !== undefined) {
    if (ipAddress !== undefined) {
      problems.reportRule(`${path}/ipAddress`, 'must not be given together with networks');
    }
    if (dockerNetwork !== undefined && fields.networks.length > 0) {
      const mode = fields.networks[0]?.mode;
      if (dockerNetwork === 'NONE' || mode !== DOCKER_NETWORK_MODES[dockerNetwork]) {
        problems.reportRule(
          `${path}/container/docker/network`,
          `'${dockerNetwork}' contradicts networks, which say '${mode}'`,
        );
      }
    }
    return {};
  }
  if (dockerNetwork === 'NONE') {
    problems.reportRule(
      `${path}/container/docker/network`,
      'NONE is not supported: use networks with mode host, container/bridge or container',
    );
  }
  const own = ipAddress === undefined ? undefined : containerNetworkOf(ipAddress);
  if (dockerNetwork === 'HOST') return { networks: [{ mode: 'host' }] };
  if (dockerNetwork === 'BRIDGE') return { networks: [{ mode: 'container/bridge' }] };
  if (dockerNetwork === 'USER') return { networks: [own ?? { mode: 'container' }] };
  return own === undefined ? {} : { networks: [own] };
}

const DOCKER_NETWORK_MODES: Readonly<Record<Exclude<DockerNetwork, 'NONE'>, Network['mode']>> = {
  HOST: 'host',
  BRIDGE: 'container/bridge',
  USER: 'container',
};

const containerNetworkOf = ({ networkName, labels }: IpAddressFields): Network => ({
  mode: 'container',
  ...definedFields({ name: networkName }),
  ...(Object.keys(labels).length > 0 ? { labels } : {}),
});

function convertPorts(
  fields: AppFields,
  { ports }: LegacyFields,
  path: string,
  problems: ProblemLog,
): Pick<AppFields, 'portDefinitions'> {
  if (ports === undefined) return {};
  if (!isHostNetworking(fields.networks)) {
    // Marathon before 1.5 lists the service ports there when it is read.
    if (ports.length > 0)
      problems.warn(`${path}/ports is ignored: the app has a network of its own`);
    return {};
  }
  checkPorts(ports, (field, error) => problems.reportRule(`${path}${field}`, error));
  if (fields.portDefinitions === undefined) {
    return { portDefinitions: ports.map(portDefinitionOf) };
  }
  const same =
    ports.length === fields.portDefinitions.length &&
    ports.every((port, index) => fields.portDefinitions?.[index]?.port === port);
  if (!same) {
    problems.reportRule(
      `${path}/ports`,
      'must be the same as the ports of portDefinitions when both are given',
    );
  }
  return {};
}

/** By the field they were given in. */
function checkPorts(ports: readonly number[], report: Report): void {
  ports.forEach((port, index) => {
    checkPort(port, `/ports(${index})`, report);
  });
  checkUnique(
    ports.map((port) => (port === 0 ? [] : String(port))),
    '/ports',
    report,
    'port',
  );
}

const portDefinitionOf = (port: number): PortDefinition => ({ port, protocol: 'tcp', labels: {} });

function convertPortMappings(
  fields: AppFields,
  { dockerPortMappings, ipAddress }: LegacyFields,
  path: string,
  problems: ProblemLog,
): Pick<AppFields, 'container'> {
  if (dockerPortMappings !== undefined && fields.container !== undefined) {
    if (fields.container.portMappings !== undefined && dockerPortMappings.length > 0) {
      problems.reportRule(
        `${path}/container/docker/portMappings`,
        'must not be given together with container/portMappings',
      );
      return {};
    }
    return fields.container.portMappings === undefined
      ? { container: { ...fields.container, portMappings: dockerPortMappings } }
      : {};
  }
  const discovered = ipAddress?.discoveryPorts ?? [];
  if (discovered.length === 0) return {};
  if (fields.container?.type === 'DOCKER') {
    problems.reportRule(
      `${path}/ipAddress/discovery`,
      'is not supported for a DOCKER container: use container/portMappings',
    );
    return {};
  }
  if (fields.container?.portMappings !== undefined) return {};
  const portMappings = discovered.map(({ number, name, protocol }) => ({
    containerPort: number,
    servicePort: 0,
    protocol,
    labels: {},
    networkNames: [],
    ...(name === '' ? {} : { name }),
  }));
  return { container: { ...(fields.container ?? { type: 'MESOS', volumes: [] }), portMappings } };
}
