import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { WireRoute, WireRoutes } from '#marathon-v2';
import type { ApiClient } from './api-client.js';
import { createEdgeCommands } from './edge-commands.js';

function edge(answerOf: (path: string, query: Record<string, unknown>) => unknown) {
  const asked: unknown[] = [];
  const printed: string[] = [];
  const commands = createEdgeCommands({
    request: (async (path: string, request: Parameters<ApiClient>[1] = {}) => {
      asked.push([path, request.method ?? 'GET', request.body]);
      return answerOf(path, request.query ?? {});
    }) as ApiClient,
    print: (_, text) => void printed.push(text()),
  });
  return { commands, asked, printed };
}

const ROUTE: WireRoute = {
  id: '/shop:0',
  appId: '/shop',
  portIndex: 0,
  groups: ['external'],
  mode: 'http',
  vhosts: ['shop.example'],
  paths: ['/api'],
  listenPort: 10_080,
  backend: 'shop_10080',
  instances: [
    { taskId: 'a', address: '127.0.0.1', port: 1, state: 'ready', routers: {} },
    { taskId: 'b', address: '127.0.0.1', port: 2, state: 'draining', routers: {} },
  ],
  outside: [{ taskId: 'c', host: 'h', why: 'it is starting' }],
  traffic: { requestsPerSecond: 12.34, responseMs: 7.89, errors5xx: 2, errorsConnect: 1 },
  routers: { 'edge-1': {} },
};
const ROUTES: WireRoutes = { sequence: 1, total: 1, routers: [], routes: [ROUTE], problems: [] };

describe('pacer routes', () => {
  it('shows each route with its instances and figures, and what stands against them', async () => {
    const problem = {
      kind: 'left-out',
      router: 'edge-1',
      appId: '/db',
      message: 'in use',
    } as const;
    const { commands, printed } = edge(() => ({ ...ROUTES, problems: [problem] }));

    await commands.listRoutes({});

    expect(printed[0]?.split('\n')).toEqual([
      'ROUTE             APP    INSTANCES                       REQ/S  LATENCY  ERRORS  ROUTERS',
      'shop.example/api  /shop  1 ready, 1 draining, 1 outside  12.3   7.9 ms   3       edge-1',
      'port 10080',
      '',
      'PROBLEMS',
      '  left-out edge-1 /db: in use',
    ]);
  });

  it('reads all pages', async () => {
    const { commands, asked, printed } = edge((_, { after }) => ({
      ...ROUTES,
      total: 2,
      routes: [after === undefined ? ROUTE : { ...ROUTE, id: '/web:0', appId: '/web' }],
    }));

    await commands.listRoutes({});

    expect(asked).toHaveLength(2);
    expect(printed[0]).toContain('/web');
  });
});

it('pacer routers tells how far each is', async () => {
  const router = { id: 'r', heardAt: '2026-01-01T00:00:00.000Z', isRecent: true };
  const { commands, printed } = edge(() => ({
    routers: [
      { ...router, appliedSequence: 9, behindEvents: 0 },
      { ...router, id: 's', appliedSequence: 7, behindEvents: 2, behindSeconds: 3 },
      { ...router, id: 't', isRecent: false, appliedSequence: 1, behindEvents: 8 },
    ],
  }));

  await commands.listRouters();

  const lines = printed[0]?.split('\n') ?? [];
  expect(lines[1]).toContain('up to date');
  expect(lines[2]).toContain('2 events behind, 3 s');
  expect(lines[3]).toContain('silent');
});

it('pacer certificates put sends both files, and never prints the key', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pacer-cli-'));
  writeFileSync(join(folder, 'c.pem'), 'CERTIFICATE');
  writeFileSync(join(folder, 'k.pem'), 'KEY');
  const { commands, asked, printed } = edge(() => ({ hosts: ['a.example'], notAfter: '2027' }));

  await commands.putCertificate('shop', {
    cert: join(folder, 'c.pem'),
    key: join(folder, 'k.pem'),
  });
  rmSync(folder, { recursive: true });

  expect(asked).toEqual([
    ['/v2/certificates/shop', 'PUT', { certificate: 'CERTIFICATE', key: 'KEY' }],
  ]);
  expect(printed).toEqual(['shop is stored: a.example, until 2027']);
});
