import { execFileSync, spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cluster } from './support/cluster.js';
import { eventually } from './support/http.js';
import { startPacer } from './support/pacer.js';

const CLI = join(resolve(import.meta.dirname, '../..'), 'dist/apps/cli/src/main.js');

/** Writes when it is told to, by a file. */
const APP = {
  ...{ id: '/look/at', cpus: 0.05, mem: 32, instances: 1 },
  cmd: 'echo first; while ! [ -e go ]; do sleep 0.1; done; echo later; sleep 1000',
};

/** What a terminal shows, and its keyboard. */
function openTerminal(command: string) {
  const child = spawn('script', ['-qefc', command, '/dev/null'], { stdio: 'pipe' });
  let seen = '';
  child.stdout.on('data', (data: Buffer) => {
    seen += data.toString();
  });
  const ended = new Promise<number | null>((done) => child.once('exit', (code) => done(code)));
  return { seen: () => seen, type: (keys: string) => void child.stdin.write(keys), ended };
}

/** From a terminal through controller and agent into a task. */
describe('looking into a task', () => {
  const cluster = new Cluster();
  const { api } = cluster;
  let task = '';

  beforeAll(async () => {
    await cluster.start();
    expect((await api.send('POST', '/v2/apps', APP)).status).toBe(201);
    [{ id: task } = { id: '' }] = await api.steady('/look/at', 1);
  });
  afterAll(() => cluster.destroy());

  const pacer = (...args: readonly string[]) => startPacer(api.url, args);

  it('gives a command its input, and passes on its outputs and exit code', async () => {
    const run = startPacer(
      api.url,
      ['exec', '-i', task, '--', 'sh', '-c', 'cat; pwd >&2; exit 7'],
      {
        input: 'größe',
      },
    );

    const { code, out, error } = await run.ended;

    expect({ code, out }).toEqual({ code: 7, out: 'größe' });
    expect(error).toMatch(/^\/.*\/sandboxes\/.*\n$/);
  });

  it('gives a shell the terminal one sits at, with its size', async () => {
    const pacerExec = `${process.execPath} ${CLI} --url ${api.url} exec -it /look/at -- sh`;
    const terminal = openTerminal(`stty rows 30 columns 90; tty; exec ${pacerExec}`);
    const show = async (size: string): Promise<void> => {
      await eventually(`the size is ${size}`, async () => {
        terminal.type('stty size\r');
        return terminal.seen().includes(`\n${size}\r`);
      });
    };
    await show('30 90');
    const [name = ''] = /\/dev\/pts\/\d+/.exec(terminal.seen()) ?? [];

    execFileSync('stty', ['-F', name, 'rows', '40', 'columns', '120']);
    await show('40 120');
    terminal.type('exit 7\r');

    expect(await terminal.ended).toBe(7);
  });

  it('follows what its task writes until that has ended', async () => {
    const following = pacer('logs', '--follow', task);
    await eventually('its first words', async () => following.output() === 'first\n');

    await pacer('exec', task, '--', 'touch', 'go').ended;

    await eventually('what it wrote later', async () => following.output() === 'first\nlater\n');
  });

  it('says what is wrong, and ends with 1', async () => {
    expect(await pacer('exec', 'nobody', '--', 'id').ended).toMatchObject({
      code: 1,
      error: expect.stringContaining("'nobody' does not exist"),
    });
    expect(await pacer('exec', '/look/nowhere', '--', 'id').ended).toMatchObject({ code: 1 });
    const missing = await pacer('exec', task, '--', 'no-such-program').ended;
    expect(missing).toMatchObject({ code: 127, error: expect.stringContaining('not found') });
  });

  it('leaves nothing of a command whose client is gone', async () => {
    const run = pacer('exec', task, '--', 'sh', '-c', 'echo up; sleep 4321');
    await eventually('it runs', async () => run.output().includes('up'));

    run.stop();
    await run.ended;

    await eventually('its processes are gone', async () => !isRunning('sleep 4321'));
  });

  it('ends with the task', async () => {
    const command = pacer('exec', task, '--', 'sh', '-c', 'echo up; sleep 4322');
    const following = pacer('logs', '--follow', task);
    await eventually('it runs', async () => command.output().includes('up'));
    await eventually('it follows', async () => following.output() === 'first\nlater\n');

    expect((await api.send('DELETE', '/v2/apps/look/at')).status).toBe(200);

    expect((await command.ended).code).toBeGreaterThan(128);
    expect((await following.ended).code).toBe(0);
    expect(isRunning('sleep 4322')).toBe(false);
  });
});

const isRunning = (words: string): boolean =>
  execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })
    .split('\n')
    .some((line) => line.trim() === words);
