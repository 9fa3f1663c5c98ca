import { createSocket } from 'node:dgram';
import { createServer, isIPv6 } from 'node:net';
import { ConfigError } from '#platform';
import type { ClusterPorts } from './cluster-plan.js';

/** Throws ConfigError when DNS would have the port of a daemon or of HAProxy: one of the two could never listen. */
export function requireOwnDnsPort(ports: ClusterPorts, agents: number): void {
  const { dns, ...others } = ports;
  const taken = new Map(Object.entries(others).map(([name, port]) => [port, name]));
  for (let index = 0; index < agents; index += 1)
    taken.set(ports.agent + index, `agent ${index + 1}`);
  const owner = taken.get(dns);
  if (owner === undefined) return;
  throw new ConfigError(`port ${dns} is that of DNS and of ${owner}: set PACER_DNS_PORT`);
}

/** Why DNS will not answer; undefined when nothing is known to be in its way. It is not worth failing for: the router tries again. */
export async function findDnsProblem(host: string, port: number): Promise<string | undefined> {
  if ((await isUdpFree(host, port)) && (await isTcpFree(host, port))) return undefined;
  return `port ${port} cannot be opened: stop what uses it, or set PACER_DNS_PORT`;
}

const isTcpFree = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });

const isUdpFree = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    socket.once('error', () => {
      socket.close();
      resolve(false);
    });
    socket.bind({ port, address: host, exclusive: true }, () => socket.close(() => resolve(true)));
  });
