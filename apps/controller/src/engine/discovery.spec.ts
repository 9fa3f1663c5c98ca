import { expect, it } from 'vitest';
import type { PortMapping } from '#core';
import { anApp } from '../../../../test/support/store-fixtures.js';
import { toDiscovery } from './discovery.js';
import { taskPorts } from './task-info.js';

const mapping = (fields: Partial<PortMapping>): PortMapping => ({
  ...{ containerPort: 80, servicePort: 0, protocol: 'tcp', labels: {}, networkNames: [] },
  ...fields,
});

it('says of each port where it is to be found, with its labels and once for each protocol', () => {
  const app = anApp('/shop/web', {
    networks: [{ mode: 'container', name: 'inner' }],
    container: {
      type: 'MESOS',
      volumes: [],
      portMappings: [
        mapping({ name: 'http', hostPort: 0, protocol: 'udp,tcp', labels: { VIP_0: '/web:80' } }),
        mapping({ containerPort: 81, labels: { VIP_1: '/web:81' } }),
      ],
    },
  });
  const hostPorts = [31_000, null];

  const discovery = toDiscovery(
    app,
    { hostPorts },
    taskPorts(app, hostPorts, () => 0),
  );

  const host = { labels: [label('VIP_0', '/web:80'), label('network-scope', 'host')] };
  const container = { labels: [label('VIP_1', '/web:81'), label('network-scope', 'container')] };
  expect(discovery).toEqual({
    visibility: 'FRAMEWORK',
    name: 'web.shop',
    ports: {
      ports: [
        { number: 31_000, name: 'http', protocol: 'udp', labels: host },
        { number: 31_000, name: 'http', protocol: 'tcp', labels: host },
        { number: 81, name: 'port1', protocol: 'tcp', labels: container },
      ],
    },
  });
});

const label = (key: string, value: string) => ({ key, value });
