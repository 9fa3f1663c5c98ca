import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const DEPLOY = join(import.meta.dirname, '../../deploy');
/** What the scripts are made of. Whatever else they look for in the PATH is missing, unless a test makes it. */
const TOOLS = ['sh', 'env', 'dirname', 'find', 'head', 'touch', 'mkdir', 'nohup', 'ldd', 'cat'];

let checkout: string;
let programs: string;

beforeEach(() => {
  checkout = mkdtempSync(join(tmpdir(), 'pacer setup '));
  programs = join(checkout, 'programs');
  for (const folder of ['programs', 'apps', 'libs', 'dist', 'node_modules']) {
    mkdirSync(join(checkout, folder));
  }
  cpSync(DEPLOY, join(checkout, 'deploy'), { recursive: true });
  const engine = join(checkout, 'deploy/docker-engine.sh');
  writeFileSync(engine, readFileSync(engine, 'utf8').replace('/var/log/dockerd.log', log()));
  for (const file of [
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    'tsconfig.build.json',
  ]) {
    writeFileSync(join(checkout, file), '');
    utimesSync(join(checkout, file), 1, 1);
  }
  // Node packages and the build are up to date.
  writeFileSync(join(checkout, 'node_modules/.package-lock.json'), '');
  writeFileSync(join(checkout, 'dist/.stamp'), '');
  for (const tool of TOOLS) {
    const [path] = spawnSync('which', [tool], { encoding: 'utf8' }).stdout.split('\n');
    symlinkSync(path ?? '', join(programs, tool));
  }
  symlinkSync(process.execPath, join(programs, 'node'));
  for (const name of ['haproxy', 'ip', 'unzip', 'bzip2', 'xz', 'dockerd']) make(name, 'exit 0');
  make('id', 'echo 0');
  // Each wait is over at once.
  make('sleep', `echo "sleep $*" >>${log()}`);
});
afterEach(() => rmSync(checkout, { recursive: true, force: true }));

const log = (): string => `'${join(checkout, 'log')}'`;

function make(name: string, script: string): void {
  writeFileSync(join(programs, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(programs, name), 0o755);
}

function run(script: string, ...args: readonly string[]) {
  const path = join(checkout, 'deploy', script);
  const result = spawnSync('/bin/sh', [path, ...args], {
    env: { PATH: programs },
    encoding: 'utf8',
  });
  return { code: result.status, output: result.stdout + result.stderr };
}

const calls = (): readonly string[] =>
  readFileSync(join(checkout, 'log'), 'utf8')
    .trim()
    .split('\n')
    .filter((line) => !/^sleep 10$/.test(line));

describe('setup.sh', () => {
  const APT = '-qq -o DPkg::Lock::Timeout=120';
  const INSTALL = `${APT} install -y --no-install-recommends`;
  const answering = (install: string): string =>
    `echo "$*" >>${log()}\ncase "$*" in *install*) ${install} ;; esac`;

  it('waits for the lock of another apt-get, and installs what the first app is made of', () => {
    make('apt-get', answering(':'));

    const { code, output } = run('setup.sh', 'start');

    expect(calls()).toEqual([`${APT} update`, `${INSTALL} docker.io python3`]);
    expect([code, output]).toEqual([0, expect.stringContaining('installing docker.io python3')]);
  });

  it('waits for the lock of the lists as well', () => {
    make(
      'apt-get',
      `${answering(':')}\n[ -e '${checkout}/tried' ] || { touch '${checkout}/tried'; echo 'E: Could not get lock' >&2; exit 100; }`,
    );

    const { output } = run('setup.sh', 'start');

    expect(calls()).toEqual([
      `${APT} update`,
      'sleep 5',
      `${APT} update`,
      `${INSTALL} docker.io python3`,
    ]);
    expect(output).toContain('waiting for another apt-get');
  });

  it('installs the others when one cannot be had, and names that', () => {
    make('apt-get', answering('case "$*" in *docker.io*) exit 100 ;; esac'));

    const { code, output } = run('setup.sh', 'start');

    expect(calls().slice(1)).toEqual([
      `${INSTALL} docker.io python3`,
      `${INSTALL} docker.io`,
      `${INSTALL} python3`,
    ]);
    expect(output).toContain('could not install docker.io; going on without\n');
    expect(code).toBe(0);
  });
});

describe('docker-engine.sh', () => {
  const DENIED = 'permission denied while trying to connect to the Docker daemon socket';

  it('is content with an engine that answers', () => {
    make('docker', 'echo 27.0');

    expect(run('docker-engine.sh')).toEqual({ code: 0, output: '' });
  });

  it('tells an engine this user may not use from none, and says what to do', () => {
    make('docker', `echo '${DENIED}' >&2; exit 1`);
    make('id', 'case "$*" in -un) echo jo ;; *) echo 1000 ;; esac');

    const { code, output } = run('docker-engine.sh');

    expect(output).toMatch(/jo may not use it: sudo usermod -aG docker jo, then log in again\n$/);
    expect(code).toBe(1);
  });

  it('starts one with sudo, then says what its user lacks', () => {
    make(
      'docker',
      `[ -e '${checkout}/started' ] && echo '${DENIED}' >&2 || echo 'Is the docker daemon running?' >&2; exit 1`,
    );
    make('dockerd', `touch '${checkout}/started'`);
    make('id', 'case "$*" in -un) echo jo ;; *) echo 1000 ;; esac');
    make('sudo', `[ "$1" = -n ] && shift; [ "$1" = true ] || "$@"`);
    make('true', 'exit 0');
    make('systemctl', 'exit 1');

    const { code, output } = run('docker-engine.sh');

    expect(output).toContain('starting dockerd');
    expect(output).toMatch(/sudo usermod -aG docker jo/);
    expect(code).toBe(1);
  });

  it('says how to start one where root is needed and sudo asks for a password', () => {
    make('docker', `echo 'Is the docker daemon running?' >&2; exit 1`);
    make('id', 'echo 1000');
    make('sudo', 'exit 1');

    const { code, output } = run('docker-engine.sh');

    expect([code, output]).toEqual([1, expect.stringContaining('sudo systemctl start docker')]);
  });
});
