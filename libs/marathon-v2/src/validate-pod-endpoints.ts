import { endpointsOf, isHostNetworking, type PodEndpoint } from '#core';
import type { PodDefinition } from './complete-pod.js';
import { checkPort, checkUnique, type Report } from './rule-report.js';

/** Ports of all containers: they share one network, so names and ports are the pod's. */
export function validatePodEndpoints(definition: PodDefinition, report: Report): void {
  const seen = new Set<string>();
  definition.pod.containers.forEach(({ endpoints }, container) => {
    endpoints.forEach((endpoint, index) => {
      const path = `/containers(${container})/endpoints(${index})`;
      validateEndpoint(endpoint, definition, path, report);
      if (seen.has(endpoint.name)) report(`${path}/name`, `name '${endpoint.name}' is given twice`);
      seen.add(endpoint.name);
    });
  });
  const all = endpointsOf(definition.pod).map(({ endpoint }) => endpoint);
  checkUnique(portsOf(all, 'hostPort'), '/containers', report, 'host port');
  if (!isHostNetworking(definition.networks)) {
    checkUnique(portsOf(all, 'containerPort'), '/containers', report, 'container port');
  }
}

const portsOf = (
  endpoints: readonly PodEndpoint[],
  side: 'hostPort' | 'containerPort',
): readonly string[] =>
  endpoints.flatMap(({ protocol, [side]: port }) =>
    port === undefined || port === 0 ? [] : protocol.map((one) => `${port}/${one}`),
  );

function validateEndpoint(
  endpoint: PodEndpoint,
  { networks }: PodDefinition,
  path: string,
  report: Report,
): void {
  const { protocol, containerPort, hostPort, networkNames } = endpoint;
  if (protocol.length === 0) report(`${path}/protocol`, 'must not be empty');
  protocol.forEach((one, index) => {
    if (one !== 'tcp' && one !== 'udp') {
      report(`${path}/protocol(${index})`, `'${one}' is neither tcp nor udp`);
    }
  });
  checkUnique(protocol, `${path}/protocol`, report);
  checkPort(containerPort, `${path}/containerPort`, report);
  checkPort(hostPort, `${path}/hostPort`, report);
  if (isHostNetworking(networks)) {
    if (hostPort === undefined) report(`${path}/hostPort`, 'is needed with host networking');
    if (containerPort !== undefined) {
      report(`${path}/containerPort`, 'must not be given with host networking');
    }
  } else if (containerPort === undefined) {
    report(`${path}/containerPort`, 'is needed with a network of the pod’s own');
  }
  networkNames.forEach((name, index) => {
    if (networks.some((network) => network.name === name)) return;
    report(`${path}/networkNames(${index})`, `'${name}' is not one of the pod's networks`);
  });
}
