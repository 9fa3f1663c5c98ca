import { createServer, type Server } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type Route, toEdgeModel } from '#routing';
import { sampleEndpoint, sampleRoute } from '../../../../test/support/edge-samples.js';
import { TestEdge } from './edge.test-support.js';
import { describeWithHaproxy, freePort } from './haproxy.test-support.js';
import type { HaproxyEdge } from './haproxy-edge.js';
import { runCommands } from './runtime-socket.js';

describeWithHaproxy('where HAProxy checks a server', () => {
  let test: TestEdge;
  let edge: HaproxyEdge;
  let target: Server;
  let port: number;
  let isChecked = false;

  beforeEach(async () => {
    test = await TestEdge.create();
    edge = test.newEdge();
    await edge.start(toEdgeModel({ routes: [], conflicts: [] }));
    port = await freePort();
    isChecked = false;
    target = createServer((socket) => {
      isChecked = true;
      socket.destroy();
    });
    await new Promise<void>((resolve) => target.listen(port, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    target.close();
    await edge.stop();
    await test.remove();
  });

  const check = {
    ...({ protocol: 'HTTP', path: '/', intervalSeconds: 1, timeoutSeconds: 1 } as const),
    ...{ gracePeriodSeconds: 1, maxConsecutiveFailures: 3, portIndex: 1 },
  };
  const modelOf = (checkPort: number | undefined, extra: Partial<Route> = {}) => {
    const endpoint = { ...sampleEndpoint(31_000), ...(checkPort !== undefined && { checkPort }) };
    const route = sampleRoute({ backend: 'web_0', check, endpoints: [endpoint], ...extra });
    const { listener: _, ...rest } = route;
    return toEdgeModel({ routes: [{ ...rest, vhosts: ['web.localhost'] }], conflicts: [] });
  };
  const shown = async (): Promise<string | undefined> => {
    const [state = ''] = await runCommands(test.files.adminSocket, ['show servers state web_0']);
    const [, header = '', line = ''] = state.split('\n');
    return line.split(' ')[header.slice(2).split(' ').indexOf('srv_check_port')];
  };

  it('changes with the app, without a reload, and back to its own port', async () => {
    await edge.reload(modelOf(7));
    const { reloads } = edge;

    await edge.applyRuntime(modelOf(port));
    await vi.waitFor(() => expect(isChecked).toBe(true), { timeout: 20_000 });
    const away = await shown();
    await edge.applyRuntime(modelOf(undefined));

    expect([away, await shown()]).toEqual([String(port), '31000']);
    expect(await edge.needsReload(modelOf(undefined))).toBe(false);
    expect(edge.reloads).toBe(reloads);
  });

  it('is put back when somebody changes it by hand', async () => {
    const wanted = modelOf(port);
    await edge.reload(wanted);
    await runCommands(test.files.adminSocket, ['set server web_0/127.0.0.1_31000 check-port 9']);

    edge.compare(await edge.look());
    await edge.applyRuntime(wanted);

    expect(await shown()).toBe(String(port));
  });

  it('is the one that a template names, also after a reload', async () => {
    const templates = new Map([
      ['BACKEND_SERVER_HTTP_HEALTHCHECK_OPTIONS', `check inter 1s port ${port}`],
    ] as const);
    const wanted = modelOf(7, { templates });

    await edge.reload(wanted);
    await edge.applyRuntime(wanted);

    expect(await shown()).toBe(String(port));
    expect(await edge.needsReload(wanted)).toBe(false);
  });
});
