import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { identifyProcess, isRunning, signalProcess } from '#platform';
import type { DaemonPlan } from './cluster-plan.js';
import { LogFiles } from './log-files.js';
import { RunDirectory } from './run-record.js';
import { type DaemonHost, SupervisedDaemon } from './supervised-daemon.js';

const WAIT = { timeout: 10_000, interval: 20 };

let directory: string;
let host: DaemonHost;
let started: SupervisedDaemon[];
const lines: string[] = [];

const plan: DaemonPlan = {
  name: 'master',
  program: 'master',
  port: 1,
  url: 'http://127.0.0.1:1',
  environment: { PACER_PORT: '1' },
};

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'pacer-up-'));
  const program = join(directory, 'program.mjs');
  writeFileSync(program, 'console.log("up"); setInterval(() => {}, 1000);');
  started = [];
  lines.length = 0;
  host = {
    run: new RunDirectory(directory),
    logs: new LogFiles(directory),
    programOf: () => program,
    buildId: 'one',
    report: (line) => lines.push(line),
  };
});
afterEach(async () => {
  await Promise.all(started.map((daemon) => daemon.stop()));
  rmSync(directory, { recursive: true, force: true });
});

function supervise(overrides: Partial<DaemonHost> = {}): SupervisedDaemon {
  const daemon = new SupervisedDaemon(plan, { ...host, ...overrides });
  started.push(daemon);
  return daemon;
}

function isRunningProgram(pid: number, program: string): boolean {
  if (!Number.isInteger(pid) || identifyProcess(pid) === undefined) return false;
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(program);
  } catch {
    // It ended between the two looks.
    return false;
  }
}

const pidOf = (): number | undefined => host.run.findRunning('master')?.pid;

describe('a supervised daemon', () => {
  it('writes its output to its log and runs in a session of its own', async () => {
    const how = await supervise().start();

    const stat = readFileSync(`/proc/${pidOf()}/stat`, 'utf8');
    const session = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3];
    expect(how).toBe('started');
    expect(Number(session)).toBe(pidOf());
    await vi.waitFor(() => expect(host.logs.tail('master', 1)).toEqual(['up']), WAIT);
  });

  it('says why it ended, not where', async () => {
    writeFileSync(host.programOf(plan), 'throw new RangeError("PACER_X is required");');

    await supervise().start();

    await vi.waitFor(
      () =>
        expect(lines[0]).toMatch(
          / s \(exit code 1\), starting it again .*; its log ends with: RangeError: PACER_X is required$/,
        ),
      WAIT,
    );
  });

  it('starts it again when it is killed, and says so', async () => {
    await supervise().start();
    const first = pidOf();

    process.kill(first ?? 0, 'SIGKILL');

    await vi.waitFor(() => {
      // Looked up once: the killed process may end between two looks.
      const second = pidOf();
      expect(second).toBeDefined();
      expect(second).not.toBe(first);
    }, WAIT);
    expect(lines[0]).toMatch(
      /^master ended after .* s \(killed by SIGKILL\), starting it again in 100 ms/,
    );
  });

  it('adopts what an earlier supervisor left behind', async () => {
    await supervise().start();
    const first = pidOf();

    const how = await supervise().start();

    expect([how, pidOf()]).toEqual(['adopted', first]);
  });

  it('replaces a survivor of an older build', async () => {
    const old = new SupervisedDaemon(plan, { ...host, buildId: 'zero' });
    await old.start();
    const first = pidOf();
    // As if its supervisor had been killed: it watches no more.
    await old.waitForExit(0);

    const how = await supervise().start();

    expect(how).toBe('started');
    expect(pidOf()).not.toBe(first);
  });

  describe('while a survivor that takes its time is replaced', () => {
    const startSurvivor = async (): Promise<void> => {
      writeFileSync(
        host.programOf(plan),
        'process.on("SIGTERM", () => setTimeout(() => process.exit(), 1000)); console.log("up"); setInterval(() => {}, 1000);',
      );
      const old = new SupervisedDaemon(plan, { ...host, buildId: 'zero' });
      await old.start();
      await vi.waitFor(() => expect(host.logs.tail('master', 1)).toEqual(['up']), WAIT);
      await old.waitForExit(0);
    };
    const running = (): readonly number[] =>
      readdirSync('/proc')
        .map(Number)
        .filter((pid) => isRunningProgram(pid, host.programOf(plan)));

    it('starts one copy, not two', async () => {
      await startSurvivor();

      await supervise().start();

      await vi.waitFor(() => expect(host.logs.tail('master', 1)).toEqual(['up']), WAIT);
      expect(running()).toEqual([pidOf()]);
      expect(lines).toEqual([expect.stringMatching(/^master: .* changed, replacing pid \d+$/)]);
    });

    it('starts none when stopped meanwhile', async () => {
      await startSurvivor();
      const daemon = supervise();

      const starting = daemon.start();
      await daemon.stop();
      await starting;

      expect(running()).toEqual([]);
      expect(pidOf()).toBeUndefined();
    });
  });

  it('ends it and forgets it when stopped', async () => {
    const daemon = supervise();
    await daemon.start();
    const identity = identifyProcess(pidOf() ?? 0);

    await daemon.stop();

    expect(identity !== undefined && isRunning(identity)).toBe(false);
    expect(pidOf()).toBeUndefined();
  });
});

describe('a process identity', () => {
  it('does not take a used pid for the process that had it', () => {
    const self = identifyProcess(process.pid);
    if (self === undefined) throw new Error('this process runs');

    expect(isRunning({ ...self, startTime: '1' })).toBe(false);
    expect(isRunning({ ...self, bootId: 'another' })).toBe(false);
    expect(signalProcess({ ...self, startTime: '1' }, 'SIGKILL')).toBe(false);
  });
});
