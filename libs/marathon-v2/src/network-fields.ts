import type { Network } from '#core';
import { definedFields, type ObjectReader } from './object-reader.js';
import type { IpAddressFields } from './written-app.js';

/** A network; the mode defaults to `container`, as a name alone suggests. */
export const readNetwork = (reader: ObjectReader): Network =>
  definedFields({
    mode: reader.oneOf('mode', ['host', 'container/bridge', 'container'] as const) ?? 'container',
    name: reader.string('name'),
    labels: reader.stringMap('labels'),
  });

export function readIpAddress(reader: ObjectReader): IpAddressFields {
  const discoveryPorts =
    reader.object('discovery', (discovery) =>
      discovery.objects('ports', (port) => ({
        number: port.integer('number') ?? 0,
        name: port.string('name') ?? '',
        protocol: port.oneOf('protocol', ['tcp', 'udp'] as const) ?? 'tcp',
      })),
    ) ?? [];
  const groups = reader.strings('groups') ?? [];
  if (groups.length > 0) {
    reader.problems.warn(`${reader.pathOf('groups')} is ignored: network groups are not supported`);
  }
  return {
    ...definedFields({ networkName: reader.string('networkName') }),
    labels: reader.stringMap('labels') ?? {},
    discoveryPorts,
  };
}

/** `tcp,udp` is the same as Marathon's `udp,tcp`. */
export function readProtocol(reader: ObjectReader): string {
  const protocol = reader.oneOf('protocol', ['tcp', 'udp', 'udp,tcp', 'tcp,udp'] as const);
  return protocol === 'tcp,udp' ? 'udp,tcp' : (protocol ?? 'tcp');
}
