import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Launcher, runKeyOfTask, type TaskExit } from '#core';
import { FakeDockerEngine } from '../../../test/support/fake-docker-engine.js';
import { createDockerLauncher } from './docker-launcher.js';

const WAIT_MS = 20_000;
const PAUSE_MS = 10;
const INSPECT = 'GET /containers/id-web/json';

async function until(condition: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + WAIT_MS;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error(`not reached within ${WAIT_MS} ms`);
    await sleep(PAUSE_MS);
  }
}

describe('the end of a container', { timeout: 2 * WAIT_MS }, () => {
  let engine: FakeDockerEngine;
  let launcher: Launcher;
  let folder = '';
  let exits: TaskExit[] = [];
  beforeEach(async () => {
    engine = await FakeDockerEngine.start('spec');
    folder = await mkdtemp(join(tmpdir(), 'pacer-docker-ends-'));
    exits = [];
  });
  afterEach(async () => {
    await launcher.close();
    await engine.close();
    await rm(folder, { recursive: true });
  });

  const connection = () => ({ scope: 'spec', socketPath: engine.socketPath });
  const place = () => ({ run: runKeyOfTask('web'), sandbox: folder, runtimeDirectory: folder });

  /** A launcher that knows of one running container. */
  const arrange = async (options: { readonly resyncMs?: number } = {}) => {
    launcher = createDockerLauncher({ ...connection(), ...options });
    launcher.onExit((exit) => exits.push(exit));
    const container = engine.run('web');
    const found = await launcher.reattach(place());
    expect(found.kind).toBe('running');
    await until(() => engine.isHeard);
    return container;
  };

  it('is asked for again while the engine answers with errors', async () => {
    const container = await arrange();
    let failures = 3;
    engine.fault = (call) => {
      if (call !== INSPECT || failures === 0) return undefined;
      failures -= 1;
      return { status: 500, message: 'database is locked' };
    };

    engine.end(container, 3);
    await until(() => exits.length > 0);

    expect(exits).toMatchObject([{ run: 'web', status: { kind: 'exited', code: 3 } }]);
  });

  it('is waited for when the event comes before the engine has written it down', async () => {
    const container = await arrange();
    engine.tellDeath(container, 3);
    await until(() => engine.calls.filter((call) => call === INSPECT).length >= 4);
    expect(exits).toEqual([]);

    engine.end(container, 3, { quietly: true });
    await until(() => exits.length > 0);

    expect(exits).toMatchObject([{ status: { kind: 'exited', code: 3 } }]);
  });

  it('is noticed by a kill when its event was missed', async () => {
    const container = await arrange();
    engine.end(container, 4, { quietly: true });

    await launcher.kill(runKeyOfTask('web'), { graceMs: 3_600_000 });
    await until(() => exits.length > 0);

    expect(exits).toMatchObject([{ status: { kind: 'exited', code: 4 } }]);
  });

  it('is noticed by a kill when somebody else has removed the container', async () => {
    const container = await arrange();
    engine.containers.delete(container.id);

    await launcher.kill(runKeyOfTask('web'), { graceMs: 0 });
    await until(() => exits.length > 0);

    expect(exits).toMatchObject([{ status: { kind: 'unknown' } }]);
  });

  it('is noticed in the end without any event', async () => {
    const container = await arrange({ resyncMs: 50 });

    engine.end(container, 5, { quietly: true });
    await until(() => exits.length > 0);

    expect(exits).toMatchObject([{ status: { kind: 'exited', code: 5 } }]);
  });

  it('is noticed while the engine keeps its events to itself, and finding it again does not wait', async () => {
    engine.fault = (call) => (call === 'GET /events' ? 'hang' : undefined);
    launcher = createDockerLauncher({ ...connection(), resyncMs: 50 });
    launcher.onExit((exit) => exits.push(exit));
    const container = engine.run('web');

    const found = await launcher.reattach(place());
    engine.end(container, 6);
    await until(() => exits.length > 0);

    expect(found.kind).toBe('running');
    expect(exits).toMatchObject([{ status: { kind: 'exited', code: 6 } }]);
  });

  it('is reported once, and a kill after a wrong message of it still works', async () => {
    const container = await arrange();
    engine.tellDeath(container, 0);

    await launcher.kill(runKeyOfTask('web'), { graceMs: 0 });
    await until(() => exits.length > 0);
    engine.tellDeath(container, 137);
    await sleep(PAUSE_MS);

    expect(exits).toMatchObject([{ status: { code: 137 } }]);
  });

  it('of a container made before runs had keys is noticed, as it is found by the id of its task', async () => {
    launcher = createDockerLauncher(connection());
    launcher.onExit((exit) => exits.push(exit));
    // Another framework's, of today: its task has the same id.
    engine.run('web.x', { 'pacer.run': 'web.x', 'pacer.task-id': 'web' });
    const container = engine.run('web', { 'pacer.task-id': 'web' });

    const found = await launcher.reattach(place());
    await until(() => engine.isHeard);
    engine.end(container, 3);
    await until(() => exits.length > 0);
    const strays = await launcher.removeStrays(new Set([runKeyOfTask('web.x')]));

    expect(found).toMatchObject({ kind: 'running', task: { containerId: 'id-web' } });
    expect(exits).toMatchObject([{ run: 'web', status: { code: 3 } }]);
    expect(strays).toEqual(['web']);
  });
});
