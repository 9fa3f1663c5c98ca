import type { Container, PortMapping, Volume } from '#core';
import { readLinuxInfo } from './linux-info.js';
import { readProtocol } from './network-fields.js';
import { definedFields, type ObjectReader } from './object-reader.js';
import type { ContainerFields, DockerNetwork } from './written-app.js';

/** A container, and the deprecated fields of its docker part that belong elsewhere today. */
export interface WrittenContainer {
  readonly container: ContainerFields;
  readonly dockerNetwork?: DockerNetwork;
  readonly dockerPortMappings?: readonly PortMapping[];
}

interface WrittenDocker {
  readonly docker?: NonNullable<Container['docker']>;
  readonly network?: DockerNetwork;
  readonly portMappings?: readonly PortMapping[];
}

/** Reads `container`. The type is DOCKER unless said otherwise. */
export function readContainer(reader: ObjectReader): WrittenContainer {
  const type = reader.oneOf('type', ['MESOS', 'DOCKER'] as const) ?? 'DOCKER';
  const docker = reader.object('docker', readDocker);
  const container = {
    type,
    volumes: reader.objects('volumes', readVolume) ?? [],
    ...definedFields({
      docker: docker?.docker,
      portMappings: reader.objects('portMappings', readPortMapping),
      linuxInfo: reader.object('linuxInfo', readLinuxInfo),
    }),
  };
  return {
    container,
    ...definedFields({
      dockerNetwork: docker?.network,
      dockerPortMappings: docker?.portMappings,
    }),
  };
}

function readDocker(reader: ObjectReader): WrittenDocker {
  const image = reader.requiredString('image', { minLength: 1 });
  const rest = {
    forcePullImage: reader.boolean('forcePullImage') ?? false,
    privileged: reader.boolean('privileged') ?? false,
    parameters: reader.objects('parameters', readParameter) ?? [],
    ...definedFields({
      pullConfig: reader.object('pullConfig', (config) => {
        const secret = config.requiredString('secret');
        return secret === undefined ? undefined : { secret };
      }),
    }),
  };
  if (reader.raw('credential') !== undefined) {
    reader.problems.reportRule(
      reader.pathOf('credential'),
      'is no longer supported: use pullConfig or a docker configuration on the agents',
    );
  }
  return definedFields({
    docker: image === undefined ? undefined : { image, ...rest },
    network: reader.oneOf('network', ['BRIDGE', 'HOST', 'NONE', 'USER'] as const),
    portMappings: reader.objects('portMappings', readPortMapping),
  });
}

function readParameter(reader: ObjectReader): { key: string; value: string } | undefined {
  const key = reader.requiredString('key', { minLength: 1 });
  const value = reader.requiredString('value');
  return key === undefined || value === undefined ? undefined : { key, value };
}

/** One port mapping; networkNames and labels default to none, the service port to 0 (assigned later). */
export const readPortMapping = (reader: ObjectReader): PortMapping => ({
  containerPort: reader.integer('containerPort') ?? 0,
  servicePort: reader.integer('servicePort') ?? 0,
  protocol: readProtocol(reader),
  labels: reader.stringMap('labels') ?? {},
  networkNames: reader.strings('networkNames') ?? [],
  ...definedFields({ hostPort: reader.integer('hostPort'), name: reader.string('name') }),
});

function readVolume(reader: ObjectReader): Volume | undefined {
  const containerPath = reader.requiredString('containerPath', { minLength: 1 });
  const rest = definedFields({
    hostPath: reader.string('hostPath'),
    mode: reader.oneOf('mode', ['RO', 'RW'] as const),
    persistent: reader.object('persistent', readPersistent),
    external: reader.object('external', readExternal),
    secret: reader.string('secret', { minLength: 1 }),
  });
  return containerPath === undefined ? undefined : { containerPath, ...rest };
}

const readPersistent = (reader: ObjectReader): Readonly<Record<string, unknown>> => {
  if (!reader.has('size')) reader.reportMissing('size');
  return definedFields({
    size: reader.integer('size'),
    type: reader.oneOf('type', ['root', 'path', 'mount'] as const) ?? 'root',
    maxSize: reader.integer('maxSize'),
    profileName: reader.string('profileName', { minLength: 1 }),
    constraints: reader.raw('constraints'),
  });
};

const readExternal = (reader: ObjectReader): Readonly<Record<string, unknown>> =>
  definedFields({
    name: reader.string('name', { minLength: 1 }),
    provider: reader.string('provider', { minLength: 1 }),
    size: reader.integer('size'),
    options: reader.stringMap('options'),
    shared: reader.boolean('shared') ?? false,
  });
