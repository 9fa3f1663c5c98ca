import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isAlive, killQuietly } from './support/cluster.js';
import { EdgeInstances } from './support/edge-instances.js';
import { EdgeRouter, takePort } from './support/edge-router.js';
import { appOf, FakeMarathon, taskOf } from './support/fake-marathon.js';
import { eventually, request } from './support/http.js';
import { startTraffic, type TrafficReport } from './support/traffic.js';

/** HAProxy alone can say that this is nothing. */
const REFUSED_BY_HAPROXY = '  no-such-keyword at all';
/** Longer than until the next look at what HAProxy has, and at ports that were taken. */
const LOOK_LIMIT_MS = 90_000;

/** Bad apps, killed processes, a hand in HAProxy's memory: what the edge goes on with, and what it says. */
describe('an edge in trouble', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pacer-faults-'));
  const marathon = new FakeMarathon();
  const instances = new EdgeInstances(['one', 'two', 'three']);
  let edge: EdgeRouter;
  let port: (name: string) => number;

  beforeAll(async () => {
    await Promise.all([marathon.start(), instances.start()]);
    port = (name) => instances.port(name);
    marathon.put(appOf('/web', [port('one'), port('two')]));
    edge = await EdgeRouter.start([marathon.url]);
    await edge.answers('web.localhost');
  });
  afterAll(async () => {
    await edge?.destroy();
    await instances.kill();
    await marathon.stop();
    rmSync(folder, { recursive: true });
  });

  const nameAt = async (host: string): Promise<string> =>
    (JSON.parse((await edge.get(host)).text) as { readonly name: string }).name;
  const namesAt = async (host: string): Promise<readonly string[]> => {
    const names = new Set<string>();
    for (let count = 0; count < 8; count += 1) names.add(await nameAt(host));
    return [...names].sort();
  };
  /** What requests for /web came to while the work was done. */
  const underTraffic = async (work: () => Promise<unknown>): Promise<TrafficReport> => {
    const traffic = startTraffic(edge.edgeUrl, { host: 'web.localhost', clients: 4 });
    try {
      await work();
    } finally {
      await traffic.stop();
    }
    return traffic.stop();
  };
  const restartRouter = async (): Promise<void> => {
    const { pid } = edge.daemon;
    edge.daemon.signal('SIGKILL');
    await eventually('the router is gone', async () => !isAlive(pid));
    await eventually('another one is there', async () => {
      return edge.daemon.pid !== pid && (await request(`${edge.url}/ping`)).status === 200;
    });
    await eventually('it has its HAProxy', async () => (await edge.status()).includes('haproxy'));
  };
  const drift = (kind: string): Promise<number> =>
    edge.metric(`pacer_router_drift_repairs_total{kind="${kind}"}`);

  it('a bad app is left out and named; the others come, go and change; mended it is served', async () => {
    const bad = { HAPROXY_0_BACKEND_HTTP_OPTIONS: REFUSED_BY_HAPROXY };
    const report = await underTraffic(async () => {
      marathon.put(
        appOf('/good-1', [port('one')]),
        appOf('/bad', [port('two')], bad),
        appOf('/good-2', [port('three')]),
      );
      await edge.answers('good-1.localhost');
      await edge.answers('good-2.localhost');

      expect(await edge.conflictsOf('/bad')).toMatch(/HAProxy refuses it: .*no-such-keyword/);
      expect(await edge.status()).toContain('/bad');
      expect((await edge.get('bad.localhost')).status).toBe(503);
      // While it is there: a new app, other instances, a host of another name.
      marathon.put(appOf('/good-3', [port('one')]));
      marathon.setTasks('/good-1', [taskOf('/good-1', port('two'))]);
      marathon.put(appOf('/good-2', [port('three')], { HAPROXY_0_VHOST: 'renamed.localhost' }));
      await edge.answers('good-3.localhost');
      await edge.answers('renamed.localhost');
      await eventually('it has another instance', async () => {
        return (await nameAt('good-1.localhost')) === 'two';
      });
      marathon.put(appOf('/bad', [port('two')]));
      await edge.answers('bad.localhost');
    });

    expect((await edge.routes()).conflicts).toEqual([]);
    expect(Object.fromEntries(report.failures)).toEqual({});
  });

  it('an app that turns bad is served as it was before, with its instances of now', async () => {
    marathon.put(appOf('/turning', [port('one')]));
    await edge.answers('turning.localhost');

    marathon.put(
      appOf('/turning', [port('two')], { HAPROXY_0_BACKEND_HTTP_OPTIONS: REFUSED_BY_HAPROXY }),
    );

    expect(await edge.conflictsOf('/turning')).toContain('it is served as it was before');
    await eventually('it has its instance of now', async () => {
      return (await nameAt('turning.localhost')) === 'two';
    });
    marathon.remove('/turning');
    await edge.answers('turning.localhost', 503);
    await eventually('its backend is gone', async () => {
      return !(await edge.admin('show servers state')).includes('turning');
    });
  });

  it.each(['master', 'worker'] as const)(
    'SIGKILL for the %s of HAProxy: the same is served again',
    async (which) => {
      const before = { config: await edge.admin('show servers state'), master: edge.masterPid };
      const pid = which === 'master' ? before.master : await edge.workerPid();
      const servers = (text: string): readonly string[] =>
        [...text.matchAll(/^\d+ (\S+) \d+ (\S+) (\S+) (\d) /gm)].map((match) =>
          match.slice(1).join(' '),
        );

      killQuietly(pid);
      await eventually('it is gone', async () => !isAlive(pid));
      await edge.answers('web.localhost');

      expect(edge.masterPid).not.toBe(before.master);
      expect(await namesAt('web.localhost')).toEqual(['one', 'two']);
      // A reload that it was killed in is made up for.
      await eventually('the same servers', async () => {
        const now = servers(await edge.admin('show servers state'));
        return JSON.stringify(now) === JSON.stringify(servers(before.config));
      });
    },
  );

  it('SIGKILL for the router: HAProxy serves on, and is adopted', async () => {
    const { masterPid } = edge;

    const report = await underTraffic(async () => {
      await restartRouter();
      marathon.put(appOf('/after-death', [port('one')]));
      await edge.answers('after-death.localhost');
    });

    expect(Object.fromEntries(report.failures)).toEqual({});
    expect(edge.masterPid).toBe(masterPid);
  });

  it('without a controller the last state is served, after a restart of router and HAProxy too', async () => {
    await marathon.stop();
    const report = await underTraffic(restartRouter);
    expect(Object.fromEntries(report.failures)).toEqual({});

    // Both at once, as when the machine was switched off.
    const { masterPid } = edge;
    edge.daemon.signal('SIGSTOP');
    killQuietly(masterPid);
    await eventually('HAProxy is gone', async () => !isAlive(masterPid));
    await restartRouter();
    await edge.answers('web.localhost');

    expect(await namesAt('web.localhost')).toEqual(['one', 'two']);
    await marathon.start();
    marathon.setTasks('/web', [taskOf('/web', port('two')), taskOf('/web', port('three'))]);
    await eventually('it follows again', async () => {
      return (await namesAt('web.localhost')).join() === 'three,two';
    });
  });

  // Alone: a reload for another app would mend it before it is seen.
  it('what is changed by hand in HAProxy is mended and counted', async () => {
    marathon.put(appOf('/drift', [port('one'), port('two'), port('three')]));
    await edge.answers('drift.localhost');
    // It answers before the router has proved what it has, and what is changed until then makes the proof fail.
    await eventually('the reload is proved', async () =>
      edge.lastGoodConfig().includes('drift_p0'),
    );
    const server = (name: string): string => `drift_p0/127.0.0.1_${port(name)}`;
    const kinds = ['server-state', 'server-weight', 'missing-server', 'map-entry'] as const;
    const before = await Promise.all(kinds.map(drift));
    const map = /\((\S*\/hosts\.map)\)/.exec(await edge.admin('show map'))?.[1] ?? '';

    for (const command of [
      `set server ${server('one')} state maint`,
      `set server ${server('two')} weight 7`,
      `set server ${server('three')} state maint`,
      `del server ${server('three')}`,
      `del map ${map} drift.localhost/`,
      `add map ${map} stray.localhost/ web_p0`,
    ]) {
      await edge.admin(command);
    }
    expect(await edge.admin('show servers state drift_p0')).not.toContain(
      `127.0.0.1_${port('three')} `,
    );
    expect((await edge.get('drift.localhost')).status).toBe(503);

    await eventually(
      'it is as it was',
      async () => {
        const isServed = (await edge.get('drift.localhost')).status === 200;
        const names = isServed ? await namesAt('drift.localhost') : [];
        return names.length === 3 && (await edge.get('stray.localhost')).status === 503;
      },
      LOOK_LIMIT_MS,
    );
    const after = await Promise.all(kinds.map(drift));
    for (const [index, kind] of kinds.entries()) {
      expect(after[index], kind).toBeGreaterThan(before[index] ?? 0);
    }
  });

  it.concurrent('a port that another program has is named, nothing else is lost, and it is taken when free', async () => {
    const servicePort = await takePort();
    const squatter = createServer((socket) => socket.end('squatter')).listen(
      servicePort,
      '127.0.0.1',
    );
    const definitions = { portDefinitions: [{ port: servicePort, protocol: 'tcp' }] };

    const report = await underTraffic(async () => {
      marathon.put(
        appOf('/squatted', [port('one')], {}, definitions),
        appOf('/beside', [port('two')]),
      );
      await edge.answers('beside.localhost');
      expect(await edge.conflictsOf('/squatted')).toContain(`port ${servicePort} is in use`);
      expect(await edge.status()).toContain('/squatted');
      // By its host name it is served all the same.
      expect((await edge.answers('squatted.localhost')).status).toBe(200);
    });

    expect(Object.fromEntries(report.failures)).toEqual({});
    await new Promise((resolve) => squatter.close(resolve));
    // At once, and not with the next look half a minute later.
    await request(`${edge.url}/_mlb_signal/hup`, { method: 'POST' });
    const reply = await eventually(
      'it listens there',
      async () => request(`http://127.0.0.1:${servicePort}/`),
      LOOK_LIMIT_MS,
    );
    expect(reply.text).toContain('"name":"one"');
  });

  it.concurrent('an address that is none of this host is named, nothing else is lost', async () => {
    const definitions = { portDefinitions: [{ port: await takePort(), protocol: 'tcp' }] };
    const labels = { HAPROXY_0_BIND_ADDR: '192.0.2.1' };

    const report = await underTraffic(async () => {
      marathon.put(appOf('/astray', [port('one')], labels, definitions));
      expect(await edge.conflictsOf('/astray')).toContain('no address of this host');
      marathon.put(appOf('/after-astray', [port('two')]));
      await edge.answers('after-astray.localhost');
      await edge.answers('astray.localhost');
    });

    expect(Object.fromEntries(report.failures)).toEqual({});
  });

  it.concurrent('its own TLS port that another program has: plain requests are answered, and it is told', async () => {
    const tlsPort = await takePort();
    const squatter = createServer((socket) => socket.end()).listen(tlsPort, '127.0.0.1');
    const other = await EdgeRouter.start([marathon.url], { PACER_EDGE_HTTPS_PORT: `${tlsPort}` });
    try {
      await other.answers('web.localhost');
      marathon.put(appOf('/plain', [port('one')]));
      await other.answers('plain.localhost');

      expect(await other.status()).toContain(`port ${tlsPort}`);
    } finally {
      await other.destroy();
      squatter.close();
    }
  });
});
