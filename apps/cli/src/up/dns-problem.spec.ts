import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import { DEFAULT_PORTS } from './cluster-plan.js';
import { findDnsProblem, requireOwnDnsPort } from './dns-problem.js';

it('finds that the port is used, by UDP or by TCP', async () => {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();

  expect(await findDnsProblem('127.0.0.1', port)).toContain(`port ${port} cannot be opened`);
  const server = createServer();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  socket.close();
  await once(socket, 'close');
  expect(await findDnsProblem('127.0.0.1', port)).toContain(`port ${port} cannot be opened`);
  server.close();
  await once(server, 'close');
  expect(await findDnsProblem('127.0.0.1', port)).toBeUndefined();
});

it('refuses a port that a daemon or HAProxy has', () => {
  expect(() => requireOwnDnsPort(DEFAULT_PORTS, 3)).not.toThrow();
  expect(() => requireOwnDnsPort({ ...DEFAULT_PORTS, dns: 5053 }, 3)).toThrow(
    'port 5053 is that of DNS and of agent 3: set PACER_DNS_PORT',
  );
  expect(() => requireOwnDnsPort({ ...DEFAULT_PORTS, dns: 8000 }, 1)).toThrow('of edgeHttp');
});
