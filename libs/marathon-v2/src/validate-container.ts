import type { Container, Network, PortMapping, Volume } from '#core';
import { validateLinuxInfo } from './linux-info.js';
import { checkPort, checkPortNames, checkRange, checkUnique, type Report } from './rule-report.js';

/** Image, port mappings and volumes of a container. */
export function validateContainer(
  container: Container,
  networks: readonly Network[],
  report: Report,
): void {
  const docker = container.docker;
  if (container.type === 'DOCKER') {
    if (docker === undefined) report('/container/docker', 'must be given for type DOCKER');
    if (docker?.pullConfig !== undefined) {
      report('/container/docker/pullConfig', 'is for type MESOS only');
    }
  } else {
    if (docker?.privileged === true) {
      report('/container/docker/privileged', 'is for type DOCKER only');
    }
    if (docker !== undefined && docker.parameters.length > 0) {
      report('/container/docker/parameters', 'are for type DOCKER only');
    }
  }
  if (container.linuxInfo !== undefined) {
    const place = { path: '/container/linuxInfo', hasImage: docker !== undefined };
    validateLinuxInfo(container.linuxInfo, place, report);
  }
  if (container.portMappings !== undefined) {
    validatePortMappings(container.portMappings, networks, report);
  }
  container.volumes.forEach((volume, index) => {
    validateVolume(volume, container, `/container/volumes(${index})`, report);
  });
  checkUnique(
    container.volumes.map(({ containerPath }) => containerPath),
    '/container/volumes',
    report,
    'containerPath',
  );
  checkUnique(
    container.volumes.map((volume) => {
      const name = volume.external?.['name'];
      return typeof name === 'string' && volume.external?.['shared'] !== true ? [name] : [];
    }),
    '/container/volumes',
    report,
    'external name',
  );
}

function validatePortMappings(
  mappings: readonly PortMapping[],
  networks: readonly Network[],
  report: Report,
): void {
  const field = '/container/portMappings';
  const names = new Set(networks.map((network) => network.name));
  const containerNetworks = networks.filter((network) => network.mode === 'container').length;
  mappings.forEach((mapping, index) => {
    const path = `${field}(${index})`;
    checkPort(mapping.containerPort, `${path}/containerPort`, report);
    checkPort(mapping.hostPort, `${path}/hostPort`, report);
    checkPort(mapping.servicePort, `${path}/servicePort`, report);
    mapping.networkNames.forEach((name, at) => {
      if (!names.has(name)) {
        report(`${path}/networkNames(${at})`, `'${name}' is not one of the app's networks`);
      }
    });
    if (
      containerNetworks > 1 &&
      mapping.hostPort !== undefined &&
      mapping.networkNames.length !== 1
    ) {
      report(
        `${path}/networkNames`,
        'must name exactly one network, as there are several and hostPort is given',
      );
    }
  });
  checkPortNames(
    mappings.map((mapping) => mapping.name),
    field,
    report,
  );
  checkUnique(
    mappings.map(({ hostPort, protocol }) =>
      hostPort === undefined || hostPort === 0
        ? []
        : protocol.split(',').map((part) => `${hostPort}/${part}`),
    ),
    field,
    report,
    'host port',
  );
}

function validateVolume(volume: Volume, container: Container, path: string, report: Report): void {
  const kinds = (['hostPath', 'persistent', 'external', 'secret'] as const).filter(
    (kind) => volume[kind] !== undefined,
  );
  if (kinds.length !== 1) {
    report(
      path,
      kinds.length === 0
        ? 'must have one of hostPath, persistent, external and secret'
        : `must have only one of ${kinds.join(', ')}`,
    );
    return;
  }
  if (volume.hostPath === '') report(`${path}/hostPath`, 'must not be empty');
  if (volume.mode === undefined && volume.secret === undefined) {
    report(`${path}/mode`, 'must be RO or RW');
  }
  if (
    container.type === 'DOCKER' &&
    volume.hostPath !== undefined &&
    !volume.containerPath.startsWith('/')
  ) {
    report(`${path}/containerPath`, `'${volume.containerPath}' must be absolute`);
  }
  if (volume.persistent !== undefined) validatePersistent(volume, path, report);
  if (volume.external !== undefined) {
    for (const name of ['name', 'provider']) {
      if (volume.external[name] === undefined) report(`${path}/external/${name}`, 'must be given');
    }
    const size = volume.external['size'] as number | undefined;
    checkRange(size, { from: 0, to: MAX_VOLUME_GIB }, `${path}/external/size`, report);
  }
}

/** It is part of the volume's name, and so of a directory's. */
const MAX_VOLUME_NAME = 63;
const MAX_VOLUME_MIB = 1_000_000_000_000;
const MAX_VOLUME_GIB = 1_000_000_000;

function validatePersistent(volume: Volume, path: string, report: Report): void {
  const { containerPath, mode, persistent = {} } = volume;
  if (containerPath.includes('/') || containerPath === '.' || containerPath === '..') {
    report(`${path}/containerPath`, `'${containerPath}' must be a plain name in the sandbox`);
  } else if (containerPath.length > MAX_VOLUME_NAME) {
    const length = `is ${containerPath.length} characters long`;
    report(`${path}/containerPath`, `${length}, the limit is ${MAX_VOLUME_NAME}`);
  } else if (/[\\\p{Cc}]/u.test(containerPath)) {
    report(`${path}/containerPath`, 'must not hold a backslash or a control character');
  }
  if (persistent['type'] !== undefined && persistent['type'] !== 'root') {
    report(`${path}/persistent/type`, `'${persistent['type']}' is not supported: use root`);
  }
  if (mode === 'RO') report(`${path}/mode`, 'must be RW for a persistent volume');
  const size = Number(persistent['size']);
  if (!(size > 0)) report(`${path}/persistent/size`, `${size} MiB must be above 0`);
  if (size > MAX_VOLUME_MIB) {
    report(`${path}/persistent/size`, `${size} MiB is above the limit of ${MAX_VOLUME_MIB}`);
  }
  const maxSize = persistent['maxSize'];
  if (maxSize !== undefined) {
    if (persistent['type'] !== 'mount') {
      report(`${path}/persistent/maxSize`, 'is for type mount only');
    } else if (!(Number(maxSize) > size)) {
      report(`${path}/persistent/maxSize`, `${Number(maxSize)} MiB must be above size ${size}`);
    }
  }
  validateVolumeConstraints(persistent, path, report);
}

function validateVolumeConstraints(
  persistent: Readonly<Record<string, unknown>>,
  path: string,
  report: Report,
): void {
  const constraints = persistent['constraints'];
  if (constraints === undefined) return;
  const field = `${path}/persistent/constraints`;
  if (!Array.isArray(constraints)) {
    report(field, 'must be a list');
    return;
  }
  if (persistent['type'] === 'root' && constraints.length > 0) {
    report(field, 'are not possible for type root');
  }
  constraints.forEach((constraint: unknown, index) => {
    const isValid =
      Array.isArray(constraint) &&
      constraint.length === 3 &&
      constraint[0] === 'path' &&
      (constraint[1] === 'LIKE' || constraint[1] === 'UNLIKE') &&
      typeof constraint[2] === 'string';
    if (!isValid) report(`${field}(${index})`, 'must be ["path", "LIKE" or "UNLIKE", pattern]');
  });
}
