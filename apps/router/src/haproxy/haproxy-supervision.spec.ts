import { spawn } from 'node:child_process';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createLogger, identifyProcess } from '#platform';
import { toEdgeModel } from '#routing';
import { AttachedProcess } from './attached-process.js';
import { BaseConfig } from './base-config.js';
import { TestEdge } from './edge.test-support.js';
import { describeWithHaproxy } from './haproxy.test-support.js';
import { haproxyEnvironment } from './haproxy-command.js';
import type { HaproxyEdge } from './haproxy-edge.js';
import { readProcesses } from './open-sessions.js';
import { childrenOf } from './process-facts.js';
import { runCommands } from './runtime-socket.js';
import { WorkerSupervisor, type WorkerSupervisorOptions } from './worker-supervisor.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 30_000 });
const logger = createLogger('router-spec');
const WAIT = { timeout: 30_000, interval: 50 };

const gone = (pid: number) => vi.waitFor(() => expect(identifyProcess(pid)).toBeUndefined(), WAIT);

describeWithHaproxy('supervision of HAProxy', () => {
  let scene: TestEdge;
  let edge: HaproxyEdge;

  beforeEach(async () => {
    scene = await TestEdge.create();
    edge = scene.newEdge();
    await edge.start(scene.model([]));
    await edge.reload(scene.model([await scene.upstream('first')]));
  });
  afterEach(async () => {
    await edge.stop();
    await scene.remove();
  });

  const newSupervisor = (
    hardStopSeconds: number,
    extra: Partial<WorkerSupervisorOptions> = {},
  ): WorkerSupervisor =>
    new WorkerSupervisor({
      files: scene.files,
      logger,
      hardStopSeconds,
      masterPid: () => edge.pid,
      mayEnd: true,
      onDeaf: () => undefined,
      ...extra,
    });

  it('replaces a deaf master under load without refusing a connection', async () => {
    const former = edge.pid ?? 0;
    const answers: string[] = [];
    let isOver = false;
    const client = async (): Promise<void> => {
      while (!isOver) answers.push(await scene.ask().catch((error: Error) => error.message));
    };
    const clients = [client(), client(), client()];
    process.kill(former, 'SIGSTOP');

    edge.noteDeafMaster();
    await edge.restart(scene.model([]));

    const before = answers.length;
    await vi.waitFor(() => expect(answers.length).toBeGreaterThan(before + 200), WAIT);
    isOver = true;
    await Promise.all(clients);
    expect(edge.pid).not.toBe(former);
    expect(edge.masterReplacements).toBe(1);
    expect(answers.filter((answer) => answer !== 'first')).toEqual([]);
    // It would not end by itself.
    await gone(former);
    await edge.reload(scene.model([await scene.upstream('second')]));
    expect(await scene.ask()).toBe('second');
  });

  it('adopts a master that was started and not put on record, and ends one that is deaf', async () => {
    const { pid } = edge;
    edge.release();
    await rm(scene.files.processRecord);

    edge = scene.newEdge();
    await edge.start(scene.model([]));
    expect(edge.pid).toBe(pid);
    expect(await scene.ask()).toBe('first');

    edge.release();
    await rm(scene.files.processRecord);
    process.kill(pid ?? 0, 'SIGSTOP');
    edge = scene.newEdge();
    await edge.start(scene.model([]));

    expect(edge.pid).not.toBe(pid);
    await gone(pid ?? 0);
    expect(await scene.ask()).toBe('first');
  });

  it('ends a former master whose replacement was started and not put on record', async () => {
    const former = edge.pid ?? 0;
    const { masterSocket, config, adminSocket } = scene.files;
    const workers = childrenOf(former).map(String);
    edge.release();
    const args = ['-W', '-S', `${masterSocket},mode,600`, '-f', config];
    const child = spawn('haproxy', [...args, '-x', adminSocket, '-sf', ...workers], {
      stdio: 'ignore',
      env: haproxyEnvironment(),
    });
    await vi.waitFor(async () => {
      expect((await readProcesses(scene.files)).pid).toBe(child.pid);
    }, WAIT);

    edge = scene.newEdge();
    await edge.start(scene.model([]));

    expect(edge.pid).toBe(child.pid);
    await gone(former);
    expect(await scene.ask()).toBe('first');
  });

  it('writes its files one after the other, whoever wants to', async () => {
    edge.noteDeafMaster();

    await Promise.all([edge.persist(), edge.restart(scene.model([])), edge.persist()]);

    expect(edge.masterReplacements).toBe(1);
    expect(await scene.ask()).toBe('first');
  });

  it('waits for a HAProxy that is not installed until the router stops', async () => {
    const other = await TestEdge.create();
    const missing = other.newEdge({ binary: join(scene.directory, 'haproxy') });
    const started = missing.start(scene.model([]));
    await vi.waitFor(() => expect(missing.problem).toContain('not installed'), WAIT);

    missing.release();

    await expect(started).rejects.toMatchObject({ code: 'EDGE_RELEASED' });
    await missing.leave();
    await other.remove();
  });

  it('keeps the former master when the new one does not come up', async () => {
    const former = edge.pid;
    const successor = scene.newEdge();
    await successor.start(scene.model([]));
    edge.noteDeafMaster();
    await writeFile(scene.files.config, 'broken');

    // A router that has only adopted it knows the structure by its file alone.
    successor.noteDeafMaster();
    await successor.restart(scene.model([]));

    expect(successor.pid).toBe(former);
    expect(successor.masterReplacements).toBe(0);
    expect(await scene.ask()).toBe('first');
  });

  it('tells once that a master does not answer, and not of one that does', async () => {
    const onDeaf = vi.fn();
    const supervisor = newSupervisor(30, { onDeaf, deafAfterMs: 0 });
    const pid = edge.pid ?? 0;
    supervisor.start();
    await supervisor.listen();
    expect(onDeaf).not.toHaveBeenCalled();

    process.kill(pid, 'SIGSTOP');
    await supervisor.listen();

    supervisor.stop();
    process.kill(pid, 'SIGCONT');
    expect(onDeaf).toHaveBeenCalledOnce();
  });

  it('ends an old worker that HAProxy should have ended, and nothing else', async () => {
    const pinned = createConnection(scene.httpPort, '127.0.0.1');
    pinned.on('error', () => undefined);
    await new Promise<void>((resolve) => pinned.once('connect', resolve));
    pinned.write('GET / HTTP/1.1\r\n');
    const [worker = 0] = childrenOf(edge.pid ?? 0);
    await edge.reload(scene.model([await scene.upstream('second')], { mode: 'http', weight: 1 }));
    const { pid: master } = edge;
    // It counts from its successor's start: by this account its time was over before.
    const supervisor = newSupervisor(-30);

    await vi.waitFor(async () => {
      await supervisor.look();
      expect(supervisor.ended.overdue).toBe(1);
    }, WAIT);

    await gone(worker);
    pinned.destroy();
    expect(edge.pid).toBe(master);
    expect(await scene.ask()).toBe('second');
    expect(supervisor.report.memory.pssBytes).toBeGreaterThan(1024 * 1024);
    expect(supervisor.report.current).toBe(1);
  });

  it('serves again with the same servers after HAProxy was killed', async () => {
    const model = scene.model([await scene.upstream('second')]);
    await edge.applyRuntime(model);
    const exited = new Promise<void>((resolve) => {
      scene.onExit = resolve;
    });

    process.kill(edge.pid ?? 0, 'SIGKILL');
    await exited;
    await edge.restart(scene.model([]));

    expect(await scene.ask()).toBe('second');
  });

  it('reloads by a signal when the socket of the master is gone', async () => {
    const { unlink } = await import('node:fs/promises');
    await unlink(scene.files.masterSocket);

    await edge.reload(scene.model([await scene.upstream('second')]));

    expect(await scene.ask()).toBe('second');
  });

  it('counts drift by its kind', async () => {
    const model = scene.model([await scene.upstream('second')]);
    await edge.applyRuntime(model);
    const [server = ''] = [...(model.servers.get('web_0')?.keys() ?? [])];
    await runCommands(scene.files.adminSocket, [
      `set server web_0/${server} weight 7`,
      'add server web_0/foreign 127.0.0.1:9',
    ]);

    const counts = edge.compare(await edge.look());

    expect(counts).toMatchObject({ 'server-weight': 1, 'extra-server': 1, 'map-entry': 0 });
    await edge.applyRuntime(model);
    expect(edge.compare(await edge.look())).toMatchObject({
      'server-weight': 0,
      'extra-server': 0,
    });
    expect(edge.driftRepairs).toBe(2);
  });
});

describeWithHaproxy('a base configuration', () => {
  let scene: TestEdge;
  let edge: HaproxyEdge;
  let base: BaseConfig;
  let path: string;

  beforeEach(async () => {
    scene = await TestEdge.create();
    path = join(scene.directory, 'operator.cfg');
    await writeFile(path, 'global\n  maxconn 500\n');
    base = new BaseConfig({
      path,
      lastGoodPath: join(scene.directory, 'base.last-good.cfg'),
      logger,
      onChange: () => undefined,
    });
    await base.start();
    edge = scene.newEdge({ base, baseOf: () => base.text });
    await edge.start(scene.model([]));
  });
  afterEach(async () => {
    base.stop();
    await edge.stop();
    await scene.remove();
  });

  const maxconn = async (): Promise<string | undefined> => {
    const [info = ''] = await runCommands(scene.files.adminSocket, ['show info']);
    return /^Maxconn: (\d+)$/m.exec(info)?.[1];
  };

  it('is what HAProxy runs with, and a change of it too', async () => {
    const model = scene.model([await scene.upstream('first')]);
    await edge.reload(model);
    expect(await maxconn()).toBe('500');

    await writeFile(path, 'global\n  maxconn 400\n');
    await base.look();
    expect(await edge.needsReload(model)).toBe(true);
    await edge.reload(model);

    expect(await maxconn()).toBe('400');
    expect(await edge.needsReload(model)).toBe(false);
  });

  it('is not to blame for an app that HAProxy names when it does not start', async () => {
    const head = `  mode http\n  bind "${scene.directory}"`;
    const model = scene.model([await scene.upstream('first')], {
      templates: new Map([['FRONTEND_HEAD', head]]),
    });
    const [route] = model.structure.routes;
    if (route === undefined) throw new Error('no route');
    const listener = { port: 1, options: [], certificates: [] };
    const bad = toEdgeModel({ routes: [{ ...route, listener }], conflicts: [] });

    await expect(edge.reload(bad)).rejects.toMatchObject({
      stage: 'start',
      offenders: [{ route: { backend: 'web_0' } }],
    });

    expect(base.problem).toBeUndefined();
    expect(await maxconn()).toBe('500');
  });

  it('is given up for a proof that fails twice, not once', async () => {
    const model = scene.model([await scene.upstream('first')]);
    const slow = () => edge.reload(model, () => 'it is slow');

    await expect(slow()).rejects.toMatchObject({ code: 'EDGE_REFUSED' });
    expect(base.problem).toBeUndefined();
    await expect(slow()).rejects.toMatchObject({ code: 'EDGE_REFUSED' });

    expect(base.problem).toContain('it is slow');
  });

  it.each([
    ['HAProxy does not understand', 'global\n  no-such-keyword\n'],
    ['cannot be listened with', 'listen own\n  mode tcp\n  bind 192.0.2.77:80\n'],
    ['does not come up', `listen own\n  mode tcp\n  bind ${tmpdir()}\n`],
  ])('that %s and never served does not keep the edge from starting', async (_, text) => {
    await edge.stop();
    await writeFile(path, text);
    await base.look();
    base.take();

    edge = scene.newEdge({ base, baseOf: () => base.text });
    await rm(scene.files.config);
    await edge.start(scene.model([]));

    expect(await scene.ask()).toContain('No server is available');
    expect(base.problem).toContain('refused');
  });

  it.each([
    ['HAProxy does not understand', 'global\n  maxconn-nonsense 1\n'],
    ['needs more files than HAProxy may open', 'global\n  maxconn 90000000\n'],
  ])('that %s is left for the last good one', async (_, text) => {
    const model = scene.model([await scene.upstream('first')]);
    await edge.reload(model);

    await writeFile(path, text);
    await base.look();
    expect(await edge.needsReload(model)).toBe(true);
    await expect(edge.reload(model)).rejects.toMatchObject({ code: 'EDGE_REFUSED' });

    expect(base.problem).toContain('maxconn');
    expect(await edge.needsReload(model)).toBe(false);
    expect(await scene.ask()).toBe('first');
    const next = scene.model([await scene.upstream('second')], { vhosts: ['web.localhost'] });
    await edge.applyRuntime(next);
    expect(await scene.ask()).toBe('second');
  });
});

describeWithHaproxy('a HAProxy given by its sockets', () => {
  let scene: TestEdge;
  let edge: HaproxyEdge;
  let master: number;

  const launch = (): number => {
    const { config, masterSocket } = scene.files;
    const child = spawn('haproxy', ['-W', '-S', `${masterSocket},mode,600`, '-f', config], {
      stdio: 'ignore',
      env: haproxyEnvironment(),
    });
    return child.pid ?? 0;
  };
  const newEdge = (): HaproxyEdge =>
    scene.newEdge({
      newProcess: (onExit) => new AttachedProcess({ files: scene.files, logger, onExit }),
    });

  beforeEach(async () => {
    scene = await TestEdge.create((directory) => ({
      config: join(directory, 'own.cfg'),
      adminSocket: join(directory, 'a.sock'),
      masterSocket: join(directory, 'm.sock'),
    }));
    const text = [
      'global',
      // Blanks in a path are to be escaped here as everywhere in a configuration.
      `  stats socket "${scene.files.adminSocket}" mode 600 level admin`,
      'defaults',
      '  timeout connect 1s\n  timeout client 1s\n  timeout server 1s',
      'frontend own',
      `  bind 127.0.0.1:${scene.httpPort}`,
      '  mode http',
      '  http-request return status 200 content-type text/plain string operator\n',
    ].join('\n');
    await writeFile(scene.files.config, text, { mode: 0o640 });
    edge = newEdge();
    master = launch();
  });
  afterEach(async () => {
    await edge.stop();
    process.kill(master, 'SIGKILL');
    await gone(master);
    await scene.remove();
  });

  it('gets the configuration by a reload, keeps its own aside, and is never ended', async () => {
    await edge.start(scene.model([]));
    const model = scene.model([await scene.upstream('first')]);
    expect(await scene.ask()).toBe('operator');
    expect(await edge.needsReload(model)).toBe(true);

    await edge.reload(model);

    expect(await scene.ask()).toBe('first');
    expect(edge.pid).toBe(master);
    expect(await readFile(scene.files.operatorConfig, 'utf8')).toContain('frontend own');
    expect((await stat(scene.files.config)).mode & 0o777).toBe(0o640);
    await edge.stop();
    expect(await scene.ask()).toBe('first');
    expect((await readProcesses(scene.files)).pid).toBe(master);
  });

  it('goes back to what it had when the first configuration does not come up', async () => {
    await edge.start(scene.model([]));

    const model = scene.model([await scene.upstream('first')]);
    const refused = edge.reload(model, () => 'it is not to be');

    await expect(refused).rejects.toMatchObject({ code: 'EDGE_REFUSED' });
    expect(await scene.ask()).toBe('operator');
  });

  it('is waited for while its sockets do not answer, which is said', async () => {
    process.kill(master, 'SIGKILL');
    await gone(master);
    const started = edge.start(scene.model([]));
    await vi.waitFor(() => expect(edge.problem).toContain(scene.files.masterSocket), WAIT);

    master = launch();
    await started;

    expect(edge.problem).toBeUndefined();
    expect(edge.pid).toBe(master);
  });

  it('serves what it should again after somebody else restarted it', async () => {
    await edge.start(scene.model([]));
    const model = scene.model([await scene.upstream('first')]);
    await edge.reload(model);
    const exited = new Promise<void>((resolve) => {
      scene.onExit = resolve;
    });
    process.kill(master, 'SIGKILL');
    await gone(master);
    master = launch();
    await exited;

    await edge.restart(scene.model([]));

    expect(edge.pid).toBe(master);
    expect(await edge.needsReload(model)).toBe(false);
    expect(await scene.ask()).toBe('first');
  });
});
