import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WireDeployment, WirePodStatus } from '#marathon-v2';
import { webApp, webServer } from './support/apps.js';
import { Cluster, taskProcesses } from './support/cluster.js';
import { followEvents } from './support/events.js';
import { eventually } from './support/http.js';
import { type CommandRun, startPacer } from './support/pacer.js';

type Json = Readonly<Record<string, unknown>>;

/** Groups of apps over the API, and the terminal client, on one cluster. */
describe('the terminal client and groups', () => {
  const cluster = new Cluster();
  const { api } = cluster;
  const folder = mkdtempSync(join(tmpdir(), 'pacer-definitions-'));

  beforeAll(() => cluster.start());
  afterAll(async () => {
    await cluster.destroy();
    rmSync(folder, { recursive: true, force: true });
  });

  const read = async <Answer>(path: string): Promise<Answer> =>
    JSON.parse((await api.get(path)).text) as Answer;

  describe('pacer', () => {
    const pacer = (...args: readonly string[]): Promise<CommandRun> =>
      startPacer(api.url, args).ended;
    const define = (name: string, text: string): string => {
      const file = join(folder, name);
      writeFileSync(file, text);
      return file;
    };
    const cells = (out: string, row: string): readonly string[] =>
      (out.split('\n').find((line) => line.startsWith(row)) ?? '').split(/\s{2,}/);
    const web = webApp('/cli/web', { instances: 1, extra: { env: { ONLY_HERE: 'yes' } } });

    it('creates an app from a file and waits until it serves', async () => {
      const run = await pacer('app', 'create', '-f', define('web.json', text(web)), '--wait');

      expect(run).toMatchObject({
        code: 0,
        out: expect.stringMatching(/^deployment [0-9a-f-]+\n/),
      });
      expect(run.error).toMatch(/^deployment [0-9a-f-]+ has ended\n$/);
      const [task] = await api.tasks('/cli/web');
      expect(task?.healthCheckResults).toMatchObject([{ alive: true }]);
    });

    it('lists apps and tasks, as tables and as JSON', async () => {
      const apps = await pacer('app', 'list');
      const tasks = await pacer('tasks', '/cli/web');
      const asJson = await pacer('--json', 'tasks');

      expect(apps.code).toBe(0);
      expect(apps.out.split('\n')[0]).toMatch(/^APP +RUNNING +HEALTHY +STAGED +CPUS +MEM/);
      expect(cells(apps.out, '/cli/web')).toEqual([
        ...['/cli/web', '1/1', '1', '0', '0.05', '64', 'service'],
      ]);
      const [task] = await api.tasks('/cli/web');
      expect(cells(tasks.out, String(task?.id)).slice(1, 4)).toEqual([
        ...['TASK_RUNNING', '127.0.0.1', String(task?.ports[0])],
      ]);
      expect(JSON.parse(asJson.out)).toMatchObject({ tasks: [{ id: task?.id }] });
    });

    it('scales, and waits for the new ones', async () => {
      const run = await pacer('app', 'scale', 'cli/web', '3', '--wait');

      expect(run.code, run.error).toBe(0);
      const tasks = await api.tasks('/cli/web');
      expect(tasks.map((task) => task.state)).toEqual(Array(3).fill('TASK_RUNNING'));
    });

    it('runs a job to its end, and a daemon once on every agent', async () => {
      const job = {
        id: '/cli/job',
        cmd: 'true',
        cpus: 0.05,
        mem: 32,
        workload: 'job',
        instances: 2,
      };
      const { instances: _none, ...one } = job;
      const daemon = { ...one, id: '/cli/daemon', cmd: 'sleep 1000', workload: 'daemon' };

      const runs = [
        await pacer('app', 'create', '-f', define('job.json', text(job)), '--wait'),
        await pacer('app', 'create', '-f', define('daemon.json', text(daemon)), '--wait'),
      ];

      expect(runs).toMatchObject([{ code: 0 }, { code: 0 }]);
      const { out } = await pacer('app', 'list');
      expect(cells(out, '/cli/job').slice(1)).toEqual([
        ...['0/2', '0', '0', '0.05', '32', 'job, 2 of 2 complete'],
      ]);
      expect(cells(out, '/cli/daemon').slice(1)).toEqual([
        ...['1/1', '0', '0', '0.05', '32', 'daemon'],
      ]);
      const [first] = await api.tasks('/cli/daemon');
      expect(await pacer('app', 'restart', '/cli/daemon', '--wait')).toMatchObject({ code: 0 });
      const after = await api.tasks('/cli/daemon');
      expect(after).toMatchObject([{ state: 'TASK_RUNNING', slaveId: first?.slaveId }]);
      expect(after[0]?.id).not.toBe(first?.id);
      expect(await pacer('app', 'scale', '/cli/daemon', '2')).toMatchObject({
        code: 1,
        error: expect.stringContaining('cannot be scaled'),
      });
      for (const id of ['/cli/job', '/cli/daemon']) {
        expect(await pacer('app', 'destroy', id, '--wait')).toMatchObject({ code: 0 });
      }
    });

    it('prints what a task wrote, and follows it', async () => {
      const chatty = {
        ...{ id: '/cli/chatty', cpus: 0.05, mem: 32, instances: 1 },
        cmd: 'echo "größe 1"; echo oops >&2; n=1; while sleep 0.2; do n=$((n+1)); echo "größe $n"; done',
      };
      const created = startPacer(api.url, ['app', 'create', '-f', '-', '--wait'], {
        input: text(chatty),
      });
      expect(await created.ended).toMatchObject({ code: 0 });
      const [task] = await api.steady('/cli/chatty', 1);
      const id = String(task?.id);

      await eventually('its first words', async () =>
        (await pacer('logs', id)).out.startsWith('größe 1\n'),
      );
      expect(await pacer('logs', id, '--file', 'stderr')).toMatchObject({ code: 0, out: 'oops\n' });
      const following = startPacer(api.url, ['logs', '--follow', id]);
      const start = await eventually('it prints', async () => following.output().length || false);
      await eventually('it goes on', async () => following.output().length > start + 30);
      following.stop();
      const printed = (await following.ended).out.trim().split('\n');
      expect(printed).toEqual(printed.map((_, index) => `größe ${index + 1}`));
    });

    it('restarts, which replaces every task', async () => {
      const before = (await api.tasks('/cli/web')).map((task) => task.id);

      const run = await pacer('app', 'restart', '/cli/web', '--wait');

      expect(run.code, run.error).toBe(0);
      const after = (await api.steady('/cli/web', 3)).map((task) => task.id);
      expect(after.filter((id) => before.includes(id))).toEqual([]);
    });

    it('keeps a canary beside the old ones until it is promoted', async () => {
      const env = { ONLY_HERE: 'canary' };
      const next = { ...web, instances: 3, env, rollout: { canary: { instances: 1 } } };
      const file = define('canary.json', text(next));
      expect((await pacer('app', 'create', '--replace', '-f', file)).code).toBe(0);

      const id = await eventually('the canary serves', async () => {
        const [one] = await api.deployments();
        const waits = one?.waitingFor?.some((reason) => reason.includes('waits for promotion'));
        return waits === true && one?.id;
      });
      expect(await api.tasks('/cli/web')).toHaveLength(4);
      const promoted = await pacer('deployment', 'promote', id);
      expect(promoted.code, promoted.error).toBe(0);
      await eventually('it ends', async () => (await api.deployments()).length === 0);

      await api.steady('/cli/web', 3);
      const shown = await pacer('deployment', 'show', id);
      expect(cells(shown.out, 'state')).toEqual(['state', 'Succeeded']);
      expect(shown.out).toMatch(/ promoted +\/cli\/web/);
      expect(await pacer('deployment', 'pause', id)).toMatchObject({ code: 1 });
    });

    it('shows the logs of the last failure, a deployment that cannot end, and what is locked', async () => {
      const broken = { ...web, instances: 3, cmd: 'echo last words; exit 7' };
      const file = define('broken.json', text(broken));

      expect((await pacer('app', 'create', '--replace', '-f', file)).code).toBe(0);
      const failure = await eventually(
        'a task has failed',
        async () => (await api.app('/cli/web'))?.lastTaskFailure,
      );
      expect(failure.message).toContain('7');
      expect(await pacer('logs', failure.taskId)).toMatchObject({ code: 0, out: 'last words\n' });

      const [deployment] = await api.deployments();
      const listed = await pacer('deployments');
      expect(cells(listed.out, String(deployment?.id)).slice(1, 3)).toEqual(['1/1', '/cli/web']);
      expect(listed.out).toContain('0 of 3 new instances are running');
      const why = await pacer('why', '/cli/web');
      expect(why.out).toContain(`deployment ${deployment?.id}, step 1 of 1`);
      expect(why.out).toContain('0 of 3 new instances are running');
      const scaled = await pacer('app', 'scale', '/cli/web', '2');
      expect(scaled.code).toBe(1);
      expect(scaled.error).toContain('locked');
      expect(scaled.error).toContain(`deployment ${deployment?.id}`);
      // All three of the old version went on serving.
      const old = (await api.tasks('/cli/web')).filter(
        (task) => task.version !== failure.version && task.state === 'TASK_RUNNING',
      );
      expect(old).toHaveLength(3);
    });

    it('replaces a whole definition, over the deployment in the way when forced', async () => {
      const { env: _gone, ...rest } = web;
      const file = define('again.json', text({ ...rest, instances: 2 }));

      const run = await pacer('app', 'create', '--replace', '--force', '--wait', '-f', file);

      expect(run.code, run.error).toBe(0);
      await api.steady('/cli/web', 2);
      expect((await api.app('/cli/web'))?.env ?? {}).toEqual({});
    });

    const failures: readonly (readonly [string, readonly string[], RegExp])[] = [
      ['an app that exists', ['app', 'create', '-f', 'web.json'], /\/cli\/web.*exists.*409/],
      ['an unknown app', ['app', 'get', '/nobody'], /'\/nobody' does not exist \(HTTP 404\)/],
      ['why an unknown app waits', ['why', '/nobody'], /'\/nobody' does not exist \(HTTP 404\)/],
      ['scaling an unknown app', ['app', 'scale', '/nobody', '2'], /'\/nobody' does not exist/],
      ['restarting an unknown app', ['app', 'restart', '/nobody'], /'\/nobody' does not exist/],
      ['destroying an unknown app', ['app', 'destroy', '/nobody'], /'\/nobody' does not exist/],
      ['an unknown task', ['logs', 'nobody'], /'nobody' does not exist/],
      ['half an instance', ['app', 'scale', '/cli/web', '1.5'], /1\.5 is not a whole number/],
      ['a limit exceeded', ['app', 'create', '-f', 'limits.json'], /\/mem: -1 is below the min/],
      ['a typing error', ['app', 'create', '-f', 'typo.json'], /\/memory: unknown field/],
      [
        'a text for a number',
        ['app', 'create', '-f', 'type.json'],
        /\/cpus: must be a number, not "many"/,
      ],
      ['no JSON', ['app', 'create', '-f', 'cut.json'], /cut\.json is not JSON: /],
      ['a missing file', ['app', 'create', '-f', 'missing.json'], /no such file.*missing\.json/],
      [
        'no id',
        ['app', 'create', '--replace', '-f', 'list.json'],
        /list\.json: an app needs an id/,
      ],
      ['no file', ['app', 'create'], /required option '-f, --file <path>' not specified/],
      ['an unknown command', ['applist'], /unknown command 'applist'/],
      ['nobody there', ['--url', 'http://127.0.0.1:9', 'tasks'], /127\.0\.0\.1:9 does not answer/],
    ];

    it('says what is wrong with what it is given, and ends with 1', async () => {
      define('limits.json', text({ id: '/cli/x', cmd: 'sleep 1', mem: -1 }));
      define('typo.json', text({ id: '/cli/x', cmd: 'sleep 1', memory: 32 }));
      define('type.json', text({ id: '/cli/x', cmd: 'sleep 1', cpus: 'many' }));
      define('cut.json', '{"id": "/cli/x",');
      define('list.json', '[]');
      const before = (await api.get('/v2/apps')).text;

      for (const [name, args, message] of failures) {
        const run = await pacer(
          ...args.map((arg) => (arg.endsWith('.json') ? join(folder, arg) : arg)),
        );
        expect(run, name).toEqual({ code: 1, out: '', error: expect.stringMatching(message) });
      }
      expect(idsOf((await api.get('/v2/apps')).text)).toEqual(idsOf(before));
    });

    it('destroys, and waits until nothing is left', async () => {
      for (const id of ['/cli/web', '/cli/chatty']) {
        const run = await pacer('app', 'destroy', id, '--wait');
        expect(run.code, run.error).toBe(0);
        expect(await api.app(id)).toBeUndefined();
      }
      expect(taskProcesses(cluster)).toEqual([]);
      expect((await pacer('app', 'list')).out.trim().split('\n')).toHaveLength(1);
      expect((await pacer('deployments')).out.trim().split('\n')).toHaveLength(1);
    });
  });

  describe('a group of two apps, one of which needs the other', () => {
    const db = webApp('/shop/db', { instances: 1 });
    const web = webApp('/shop/web', { instances: 2, extra: { dependencies: ['/shop/db'] } });
    const shop = { id: '/shop', apps: [web, db] };
    let created = '';

    const instances = async (): Promise<Json> => {
      const apps = await Promise.all(['/shop/db', '/shop/web'].map((id) => api.app(id)));
      return Object.fromEntries(apps.map((app) => [app?.id, app?.instances]));
    };
    const settled = async (): Promise<void> => {
      await api.settled('/shop/db');
      await api.settled('/shop/web');
    };
    const finished = (id: string): Promise<boolean> =>
      eventually(`deployment ${id} is over`, async () =>
        (await api.deployments()).every((one) => one.id !== id),
      );

    it('is planned by a dry run that changes nothing', async () => {
      const reply = await api.send('PUT', '/v2/groups?dryRun=true', { id: '/', groups: [shop] });

      expect(reply.status, reply.text).toBe(200);
      const { steps } = JSON.parse(reply.text) as Pick<WireDeployment, 'steps'>;
      expect(scalings(steps)).toEqual([['/shop/db'], ['/shop/web']]);
      expect(await read('/v2/apps')).toEqual({ apps: [] });
      expect((await api.get('/v2/groups/shop')).status).toBe(404);
      expect(await api.deployments()).toEqual([]);
    });

    it('starts the needed one first, and the other when that is healthy', async () => {
      const events = await followEvents(api.url);

      const reply = await api.send('POST', '/v2/groups', shop);
      expect(reply.status, reply.text).toBe(201);
      expect(reply.headers['location']).toBe('/shop');
      const [deployment] = await api.deployments();
      expect(scalings(deployment?.steps ?? [])).toEqual([['/shop/db'], ['/shop/web']]);
      expect(deployment?.affectedApps).toEqual(expect.arrayContaining(['/shop/db', '/shop/web']));
      await settled();
      await api.steady('/shop/db', 1);
      await api.steady('/shop/web', 2);
      created = (await read<{ readonly version: string }>('/v2/groups/shop')).version;

      const order = events.seen.flatMap(({ type, data }) => {
        const running = type === 'status_update_event' && data['taskStatus'] === 'TASK_RUNNING';
        const healthy = type === 'health_status_changed_event' && data['alive'] === true;
        return running || healthy ? [`${data['appId']} ${running ? 'runs' : 'is healthy'}`] : [];
      });
      events.close();
      expect(order.slice(0, 3)).toEqual([
        ...['/shop/db runs', '/shop/db is healthy', '/shop/web runs'],
      ]);
    });

    it('refuses it a second time, and dependencies in a circle', async () => {
      const again = await api.send('POST', '/v2/groups', shop);
      const circle = await api.send('PUT', '/v2/groups/shop', {
        apps: [web, { ...db, dependencies: ['/shop/web'] }],
      });

      expect(again.status).toBe(409);
      expect(circle.status).toBe(422);
      expect(circle.text).toMatch(/\/shop\/(db|web)/);
      expect((await api.app('/shop/db'))?.['dependencies'] ?? []).toEqual([]);
    });

    it('is scaled as a whole by a factor', async () => {
      const reply = await api.send('PUT', '/v2/groups/shop', { scaleBy: 1.5 });

      expect(reply.status, reply.text).toBe(200);
      expect(await instances()).toEqual({ '/shop/db': 2, '/shop/web': 3 });
      await settled();
      await api.steady('/shop/db', 2);
      await api.steady('/shop/web', 3);
    });

    it('goes back to an earlier version, and so does one app', async () => {
      const versions = await read<readonly string[]>('/v2/groups/shop/versions');
      expect(versions).toContain(created);

      const group = await api.send('PUT', '/v2/groups/shop', { version: created });
      expect(group.status, group.text).toBe(200);
      expect(await instances()).toEqual({ '/shop/db': 1, '/shop/web': 2 });
      await settled();
      await api.steady('/shop/db', 1);
      const before = (await api.steady('/shop/web', 2)).map((task) => task.id).sort();

      const upgraded = await api.send('PUT', '/v2/apps/shop/web', { cmd: webServer('v2') });
      expect(upgraded.status, upgraded.text).toBe(200);
      await settled();
      const [version] = (
        await read<{ readonly versions: readonly string[] }>('/v2/apps/shop/web/versions')
      ).versions.slice(1);
      const app = await api.send('PUT', '/v2/apps/shop/web', { version });
      expect(app.status, app.text).toBe(200);
      await settled();
      const after = (await api.steady('/shop/web', 2)).map((task) => task.id).sort();
      expect((await api.app('/shop/web'))?.cmd).toBe(web['cmd']);
      expect(after).not.toEqual(before);
    });

    it('is left as it was when a deployment that cannot end is taken back', async () => {
      const before = await api.app('/shop/web');
      const serving = (await api.tasks('/shop/web')).map((task) => task.id).sort();
      const bad = await api.send('PUT', '/v2/apps/shop/web', { cmd: 'exit 1', cpus: 0.06 });
      const { deploymentId } = JSON.parse(bad.text) as { readonly deploymentId: string };
      await eventually('it fails', async () => (await api.app('/shop/web'))?.lastTaskFailure);
      const locked = await api.send('PUT', '/v2/apps/shop/web', { instances: 1 });
      expect(locked.status).toBe(409);
      expect(JSON.parse(locked.text)).toMatchObject({ deployments: [{ id: deploymentId }] });

      const reply = await api.send('DELETE', `/v2/deployments/${deploymentId}`);

      expect(reply.status, reply.text).toBe(200);
      const rollback = JSON.parse(reply.text) as { readonly deploymentId: string };
      expect(rollback.deploymentId).not.toBe(deploymentId);
      await finished(rollback.deploymentId);
      const after = await api.app('/shop/web');
      expect(after).toMatchObject({ cmd: before?.cmd, cpus: before?.cpus, instances: 2 });
      // What served before was never touched.
      expect((await api.steady('/shop/web', 2)).map((task) => task.id).sort()).toEqual(serving);
    });

    it('is stopped where it is when a deployment is only cancelled', async () => {
      const bad = await api.send('PUT', '/v2/apps/shop/db', { cmd: 'exit 1' });
      const { deploymentId } = JSON.parse(bad.text) as { readonly deploymentId: string };

      const reply = await api.send('DELETE', `/v2/deployments/${deploymentId}?force=true`);

      expect(reply.status).toBe(202);
      await finished(deploymentId);
      expect((await api.app('/shop/db'))?.cmd).toBe('exit 1');
      const repaired = await api.send('PUT', '/v2/apps/shop/db', { cmd: db['cmd'] });
      expect(repaired.status, repaired.text).toBe(200);
      await settled();
      await api.steady('/shop/db', 1);
    });

    it('loses what a PUT leaves out, and is deleted with everything in it', async () => {
      const reply = await api.send('PUT', '/v2/groups/shop', { apps: [db] });
      expect(reply.status, reply.text).toBe(200);
      await eventually('web is gone', async () => (await api.app('/shop/web')) === undefined);
      await settled();
      await api.steady('/shop/db', 1);

      expect((await api.send('DELETE', '/v2/groups/shop')).status).toBe(200);
      await eventually(
        'the group is gone',
        async () => (await api.get('/v2/groups/shop')).status === 404,
      );
      await eventually('all processes are gone', async () => taskProcesses(cluster).length === 0);
      await eventually('nothing is under way', async () => (await api.deployments()).length === 0);
    });
  });

  describe('a pod', () => {
    const ID = '/pods/pair';
    const size = { cpus: 0.01, mem: 32 };
    const server = {
      name: 'server',
      exec: {
        command: {
          shell: `mkdir www; cd www; echo hello > note; exec busybox httpd -f -p $ENDPOINT_HTTP -h .`,
        },
      },
      resources: size,
      endpoints: [{ name: 'http', hostPort: 0 }],
      healthCheck: {
        http: { endpoint: 'http', path: '/note' },
        delaySeconds: 0,
        intervalSeconds: 1,
      },
      volumeMounts: [{ name: 'data', mountPath: 'data' }],
    };
    const client = (words: string) => ({
      name: 'client',
      exec: {
        command: {
          shell: [
            'until busybox wget -q -O data/got http://localhost:$ENDPOINT_HTTP/note; do sleep 0.1; done',
            `cat data/got; echo ${words}; exec sleep 100000`,
          ].join('\n'),
        },
      },
      resources: size,
      volumeMounts: [{ name: 'data', mountPath: 'data' }],
    });
    const pod = (words: string, instances: number) => ({
      id: ID,
      containers: [server, client(words)],
      volumes: [{ name: 'data' }],
      executorResources: { cpus: 0.1, mem: 32, disk: 10 },
      scaling: { kind: 'fixed', instances },
    });
    const steady = (count: number): Promise<WirePodStatus> =>
      eventually(`${count} stable instances`, async () => {
        const status = await read<WirePodStatus>(`/v2/pods${ID}::status`);
        const isSteady =
          status.instances.length === count &&
          status.instances.every((one) => one.status === 'STABLE') &&
          (await api.deployments()).length === 0;
        return isSteady ? status : undefined;
      });

    it('runs, shares a volume and localhost, is scaled and upgraded, ends together, is deleted', async () => {
      const created = await api.send('POST', '/v2/pods', pod('first', 1));
      expect(created.status, created.text).toBe(201);
      const [one] = (await steady(1)).instances;
      const containers = one?.containers ?? [];
      expect(containers.map(({ name, status }) => [name, status])).toEqual([
        ['server', 'TASK_RUNNING'],
        ['client', 'TASK_RUNNING'],
      ]);
      const log = `/v2/tasks/${String(containers[1]?.['containerId'])}/files/download?path=stdout`;
      await eventually('the client has asked the server', async () =>
        (await api.get(log)).text.startsWith('hello\nfirst\n'),
      );
      const listed = await startPacer(api.url, ['pods']).ended;
      expect(listed.out).toContain('server:TASK_RUNNING client:TASK_RUNNING');

      const scaled = await api.send('PUT', `/v2/pods${ID}`, pod('first', 2));
      expect(scaled.status, scaled.text).toBe(200);
      const ids = (await steady(2)).instances.map(({ id }) => id);
      expect(ids).toContain(one?.id);

      await api.send('PUT', `/v2/pods${ID}`, pod('second', 2));
      const upgraded = (await steady(2)).instances;
      expect(upgraded.filter(({ id }) => ids.includes(id))).toEqual([]);

      const victim = upgraded[0];
      const killed = await api.send('DELETE', `/v2/pods${ID}::instances/${victim?.id}`);
      expect(killed.status, killed.text).toBe(200);
      await eventually('it is gone', async () => {
        const { instances } = await read<WirePodStatus>(`/v2/pods${ID}::status`);
        return !instances.some(({ id }) => id === victim?.id);
      });
      await steady(2);

      expect((await api.send('DELETE', `/v2/pods${ID}`)).status).toBe(202);
      await eventually('all processes are gone', async () => taskProcesses(cluster).length === 0);
      await eventually('nothing is under way', async () => (await api.deployments()).length === 0);
      expect((await api.get(`/v2/pods${ID}`)).status).toBe(404);
    });
  });
});

const text = (value: Json): string => JSON.stringify(value);

const idsOf = (apps: string): readonly string[] =>
  (JSON.parse(apps) as { readonly apps: readonly { readonly id: string }[] }).apps.map(
    (app) => app.id,
  );

/** The apps each step scales; steps that scale none are left out. */
const scalings = (steps: WireDeployment['steps']): readonly (readonly string[])[] =>
  steps
    .map((step) =>
      step.actions
        .filter(({ action }) => action === 'ScaleApplication')
        .map(({ app }) => app ?? '')
        .sort(),
    )
    .filter((apps) => apps.length > 0);
