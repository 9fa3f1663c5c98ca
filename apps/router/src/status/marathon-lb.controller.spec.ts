import { Module } from '@nestjs/common';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createDaemon, createLogger } from '#platform';
import { TestEdge } from '../haproxy/edge.test-support.js';
import { describeWithHaproxy } from '../haproxy/haproxy.test-support.js';
import type { HaproxyEdge } from '../haproxy/haproxy-edge.js';
import { StatisticsReader } from '../haproxy/statistics/statistics-reader.js';
import { RouterService } from '../router.service.js';
import { MarathonLbController } from './marathon-lb.controller.js';
import { StatusController } from './status.controller.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

describeWithHaproxy('the HTTP endpoints of marathon-lb', () => {
  let scene: TestEdge;
  let edge: HaproxyEdge;
  let url: string;
  let close: () => Promise<void>;
  const resync = vi.fn();
  const forceReload = vi.fn();

  beforeEach(async () => {
    scene = await TestEdge.create();
    edge = scene.newEdge();
    await edge.start(scene.model([]));
    const model = scene.model([await scene.upstream('first')]);
    await edge.reload(model);
    const routes = () => model.structure.routes;
    const reader = new StatisticsReader({ files: scene.files, routes });
    const service = {
      files: scene.files,
      edge,
      loop: { table: { routes: routes(), conflicts: [] }, resync, forceReload },
      watch: { reader },
    };
    @Module({
      controllers: [MarathonLbController, StatusController],
      providers: [{ provide: RouterService, useValue: service }],
    })
    class TestModule {}
    const daemon = await createDaemon({
      name: 'router-spec',
      module: TestModule,
      host: '127.0.0.1',
      port: 0,
      logger: createLogger('router-spec', 'silent'),
    });
    url = daemon.url;
    close = () => daemon.close();
  });
  afterEach(async () => {
    await close();
    await edge.stop();
    await scene.remove();
  });

  const ask = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`${url}${path}`, init);
    return { status: response.status, text: await response.text() };
  };

  it('tell what HAProxy runs with', async () => {
    const [worker] = (await ask('/_haproxy_getpids')).text.split(' ');

    expect(await ask('/_haproxy_health_check')).toMatchObject({ status: 200 });
    expect((await ask('/_haproxy_getconfig')).text).toContain('backend web_0');
    expect((await ask('/_haproxy_getvhostmap')).text).toMatch(/^web\.localhost\S* web_0$/m);
    expect((await ask('/_haproxy_getappmap')).text).toBe('/web web_0\n');
    expect(Number(worker)).toBeGreaterThan(1);
    expect((await ask('/haproxy?stats;csv')).text).toMatch(/^# pxname,svname/);
    expect((await ask('/haproxy?stats%3Bcsv')).status).toBe(200);
    expect((await ask('/haproxy?stats')).status).toBe(400);
    expect((await ask('/haproxy?%')).status).toBe(400);
    expect((await ask('/v1/haproxy/stat')).text).toContain('"pxname":"web_0"');
  });

  it('take signals by POST alone, and none from a foreign page', async () => {
    expect((await ask('/_mlb_signal/hup')).status).toBe(405);
    const foreign = { method: 'POST', headers: { origin: 'http://evil.example' } };
    expect((await ask('/_mlb_signal/hup', foreign)).status).toBe(403);
    expect(resync).not.toHaveBeenCalled();

    expect((await ask('/_mlb_signal/hup', { method: 'POST' })).status).toBe(200);
    expect((await ask('/_mlb_signal/usr1', { method: 'POST' })).status).toBe(200);

    expect(resync).toHaveBeenCalledTimes(1);
    expect(forceReload).toHaveBeenCalledTimes(1);
  });

  it('say 503 while HAProxy is away', async () => {
    await edge.stop();

    expect((await ask('/_haproxy_health_check')).status).toBe(503);
    expect((await ask('/haproxy?stats;csv')).status).toBe(503);
    expect((await ask('/_haproxy_getpids')).status).toBe(503);
  });
});
