import { expect, it } from 'vitest';
import { type ClusterPorts, DEFAULT_PORTS, planCluster } from './cluster-plan.js';
import { REFUSED_PORTS, requireReachablePorts } from './refused-ports.js';

function plan({ offset = 0, agents = 1 }: { readonly offset?: number; readonly agents?: number }) {
  const ports = Object.fromEntries(
    Object.entries(DEFAULT_PORTS).map(([name, port]) => [name, port + offset]),
  ) as unknown as ClusterPorts;
  return planCluster({
    host: '127.0.0.1',
    scheme: 'http',
    dataDirectory: '/data',
    databaseUrl: '',
    uiDirectory: '/ui',
    agents,
    ports,
    capacity: { cpus: 2, memMib: 2048, diskMib: 9000, taskPorts: { begin: 31000, end: 32000 } },
  });
}

it.each([...REFUSED_PORTS])('knows that fetch refuses port %i', async (port) => {
  const refusal: unknown = await fetch(`http://127.0.0.1:${port}`).catch((error) => error.cause);

  expect(refusal).toMatchObject({ message: 'bad port' });
});

it('refuses an agent on such a port, and says what to do', () => {
  expect(() => requireReachablePorts(plan({ agents: 10 }))).toThrow(
    'port 5060 (agent-10) is one that fetch and browsers refuse to connect to: use another --port-offset or fewer --agents',
  );
});

it.each([
  [990, 'port 10080 (router) '],
  [950, 'port 6000 (master) '],
  [2000, 'port 10080 (controller) '],
])('refuses an offset of %i', (offset, message) => {
  expect(() => requireReachablePorts(plan({ offset }))).toThrow(message);
});

it.each([0, 8500, 11_000, 14_000, 17_000, 20_000, 23_000, 26_000])(
  'takes the ports of the product, moved by %i, with nine agents',
  (offset) => {
    expect(() => requireReachablePorts(plan({ offset, agents: 9 }))).not.toThrow();
  },
);
