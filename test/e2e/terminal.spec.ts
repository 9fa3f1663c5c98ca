import { afterAll, describe, expect, it } from 'vitest';
import { Cluster, findProcesses, isAlive, taskProcesses } from './support/cluster.js';
import { eventually, pause } from './support/http.js';

/** From then on a second Ctrl-C is one. */
const SECOND_PRESS_MS = 1_500;

/** Takes its time to end, so that a stop is still under way when Ctrl-C is pressed again. */
const STUBBORN = {
  id: '/stubborn',
  cmd: "trap '' TERM; while :; do sleep 0.2; done",
  cpus: 0.05,
  mem: 16,
  taskKillGracePeriodSeconds: 10,
};

/** The keyboard's signal reaches npm, its shell and us at once, and npm sends us one more. */
describe('npm start at a terminal', () => {
  const cluster = new Cluster({ terminal: true });
  const { api } = cluster;

  const expectNothingLeft = (running: Readonly<Record<string, number>>): void => {
    expect(cluster.output).toMatch(/pacer: stopped/);
    expect(taskProcesses(cluster)).toEqual([]);
    expect(findProcesses(cluster.dataDirectory)).toEqual([]);
    expect(Object.entries(running).filter(([, pid]) => isAlive(pid))).toEqual([]);
  };

  afterAll(() => cluster.destroy());

  it('stops everything at one Ctrl-C, tasks included', async () => {
    await cluster.start();
    expect((await api.send('POST', '/v2/apps', STUBBORN)).status).toBe(201);
    await api.steady('/stubborn', 1);
    const running = { ...cluster.pids(), haproxy: cluster.haproxyPid() };

    const code = await cluster.stop();

    expectNothingLeft(running);
    expect(code).toBe(0);
  });

  it('leaves at once at a second Ctrl-C, and adopts what that leaves', async () => {
    await cluster.start();
    await api.steady('/stubborn', 1);
    const before = taskProcesses(cluster);

    cluster.pressControlC();
    await eventually('it ends tasks', async () => cluster.output.includes('ending tasks'));
    await pause(SECOND_PRESS_MS);
    cluster.pressControlC();
    await cluster.waitForEnd('a second Ctrl-C');
    expect(cluster.output).toContain('leaving at once');

    await cluster.start();
    expect(cluster.output).toContain('database adopted');
    expect(cluster.output).toContain('master adopted');
    // The agent carries out what it was asked for before anybody left: its task ends, and is started anew.
    await eventually('the old task has ended', async () => !before.some(isAlive));
    await api.steady('/stubborn', 1);
    const running = { ...cluster.pids(), haproxy: cluster.haproxyPid() };
    await cluster.stop();
    expectNothingLeft(running);
  });
});
