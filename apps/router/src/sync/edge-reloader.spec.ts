import { createServer, type Server } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createLogger } from '#platform';
import { type EdgeModel, type Route, toEdgeModel } from '#routing';
import { sampleRoute } from '../../../../test/support/edge-samples.js';
import { TestEdge } from '../haproxy/edge.test-support.js';
import { describeWithHaproxy, freePort } from '../haproxy/haproxy.test-support.js';
import type { HaproxyEdge } from '../haproxy/haproxy-edge.js';
import { EdgeReloader } from './edge-reloader.js';
import { Problems } from './problems.js';
import { RefusedRoutes } from './refused-routes.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 30_000 });
const WAIT = { timeout: 30_000, interval: 10 };

describeWithHaproxy(
  'EdgeReloader, with apps that pass haproxy -c and cannot be started with',
  () => {
    let scene: TestEdge;
    let edge: HaproxyEdge;
    let routes: readonly Route[];
    let good: Route;
    let reloader: EdgeReloader;
    let opened: number;
    let squatter: Server | undefined;
    const refused = new RefusedRoutes();
    const problems = new Problems();

    /** An app that writes its own frontend. */
    const templated = (backend: string, head: string, port: number): Route =>
      sampleRoute({
        ...{ appId: `/${backend}`, backend, vhosts: [`${backend}.localhost`] },
        listener: { port, options: [], certificates: [] },
        templates: new Map([['FRONTEND_HEAD', `  mode http\n  ${head}`]]),
      });
    const wanted = () => {
      const admitted = routes.map((route) => refused.admit(route));
      const table = {
        routes: admitted.flatMap(({ route }) => route ?? []),
        conflicts: admitted.flatMap(({ refusal }) => refusal ?? []),
      };
      return { table, model: toEdgeModel(table) };
    };
    const follow = async (): Promise<void> => {
      const model = (): EdgeModel => reloader.build().model;
      for (let outcome = ''; outcome !== 'reached'; ) {
        const before = opened;
        outcome = await reloader.follow(model());
        if (outcome === 'waiting')
          await vi.waitFor(() => expect(opened).toBeGreaterThan(before), WAIT);
      }
    };

    beforeEach(async () => {
      scene = await TestEdge.create();
      edge = scene.newEdge();
      opened = 0;
      const endpoint = await scene.upstream('good');
      good = scene.model([endpoint]).structure.routes[0] ?? sampleRoute();
      routes = [good];
      reloader = new EdgeReloader({
        edge,
        problems,
        logger: createLogger('router-spec'),
        isPortFree: async () => true,
        onOpen: () => {
          opened += 1;
        },
        wanted: {
          refused,
          build: wanted,
          wantedListeners: () => [],
        } as unknown as ConstructorParameters<typeof EdgeReloader>[0]['wanted'],
      });
      await edge.start(toEdgeModel({ routes: [], conflicts: [] }));
      await follow();
    });
    afterEach(async () => {
      reloader.stop();
      squatter?.close();
      await edge.stop();
      await scene.remove();
    });

    it.each([
      ['an address that is none of this host', async () => `192.0.2.77:${await freePort()}`],
      [
        'a port that another program has',
        async () => {
          const port = await freePort();
          squatter = createServer().listen(port, '127.0.0.1');
          return `127.0.0.1:${await freePort()},127.0.0.1:${port}`;
        },
      ],
      ['a socket in a folder that is none', async () => '/nonexistent/app.sock'],
    ])('leaves out who listens at %s, before HAProxy is asked for a worker', async (_, place) => {
      const address = await place();
      const reloads = edge.reloads;
      const first = templated('fine_0', `bind 127.0.0.1:${await freePort()}`, 1);
      routes = [good, first, templated('astray_0', `bind ${address}`, 2)];

      await follow();

      const { table } = reloader.build();
      expect(table.routes.map(({ backend }) => backend)).toEqual(['web_0', 'fine_0']);
      expect(table.conflicts).toMatchObject([{ appId: '/astray_0', kind: 'refused' }]);
      expect(table.conflicts[0]?.reason).toContain('cannot listen on');
      expect(edge.reloads).toBe(reloads + 1);
      expect(problems.list).toEqual([]);
      expect(await scene.ask()).toBe('good');
    });

    it('goes on with what needs no reload while it looks for whom HAProxy refuses', async () => {
      const bad = { ...templated('bad_0', 'no-such-keyword', 2), appId: '/bad' };
      const search = edge.findOffenders.bind(edge);
      let find: () => void = () => undefined;
      edge.findOffenders = async (all, refusal) => {
        await new Promise<void>((resolve) => {
          find = resolve;
        });
        return search(all, refusal);
      };
      routes = [good, bad];
      await vi.waitFor(async () => {
        expect(await reloader.follow(reloader.build().model)).toBe('reloaded');
      }, WAIT);

      const next = { ...good, endpoints: [await scene.upstream('next')] };
      routes = [next, bad];
      expect(await reloader.follow(reloader.build().model)).toBe('waiting');
      expect(await scene.ask()).toBe('next');

      const before = opened;
      find();
      await vi.waitFor(() => expect(opened).toBeGreaterThan(before), WAIT);
      await follow();
      expect(reloader.build().table.routes).toEqual([next]);
      expect(reloader.build().table.conflicts).toMatchObject([{ appId: '/bad', kind: 'refused' }]);
    });

    it('leaves out whom HAProxy names when it does not start, and serves all others', async () => {
      const folder = `bind "${scene.directory}"`;
      routes = [good, templated('folder_0', folder, 2)];

      await follow();

      const { table } = reloader.build();
      expect(table.routes.map(({ backend }) => backend)).toEqual(['web_0']);
      expect(table.conflicts).toMatchObject([{ appId: '/folder_0', kind: 'refused' }]);
      expect(table.conflicts[0]?.reason).toContain('UNIX socket');
      expect(problems.list).toEqual([]);
      expect(await scene.ask()).toBe('good');
    });
  },
);
