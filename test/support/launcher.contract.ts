import { afterEach, describe, expect, it } from 'vitest';
import { LaunchError, type Launcher, type LaunchSpec, runKeyOfTask, type TaskExit } from '#core';

/** What the contract's tasks do; the subject says how its launcher is told. */
export type ContractTask =
  | { readonly does: 'runs' }
  | { readonly does: 'ignores-term' }
  | { readonly does: 'exits'; readonly code: number }
  | { readonly does: 'cannot-start' };

/** One host with a launcher on it. */
export interface LauncherSubject {
  readonly launcher: Launcher;
  /** Another launcher on the same host, as after a restart of the agent. The contract closes the old one. */
  restart(): Launcher;
  /** A spec with fresh folders, whose run has the given name. The same name gives the same folders. */
  spec(id: string, task: ContractTask): Promise<LaunchSpec>;
  /** Returns once the task is so far that it reacts to signals as it should. */
  ready(spec: LaunchSpec): Promise<void>;
  /** Returns once the condition holds, or fails: real time passes, or the virtual clock is advanced. */
  until(condition: () => boolean): Promise<void>;
  /** Lets work that waits for time go on while the promise is pending. */
  during<T>(work: Promise<T>): Promise<T>;
  /** Ends whatever is left. */
  dispose(): Promise<void>;
}

const TIMEOUT_MS = 60_000;

/** What every {@link Launcher} must do. */
export function launcherContract(name: string, prepare: () => Promise<LauncherSubject>): void {
  let subject: LauncherSubject | undefined;
  const arrange = async (): Promise<LauncherSubject & { readonly exits: TaskExit[] }> => {
    subject = await prepare();
    const exits: TaskExit[] = [];
    subject.launcher.onExit((exit) => exits.push(exit));
    return { ...subject, exits };
  };

  describe(name, { timeout: TIMEOUT_MS }, () => {
    afterEach(async () => {
      await subject?.dispose();
      subject = undefined;
    }, TIMEOUT_MS);

    describeLife(arrange);
    describeRestart(arrange);
  });
}

type Arrange = () => Promise<LauncherSubject & { readonly exits: TaskExit[] }>;

function describeLife(arrange: Arrange): void {
  it('reports an exit code once', async () => {
    const { launcher, spec, until, during, exits } = await arrange();

    const task = await during(launcher.launch(await spec('life-1', { does: 'exits', code: 7 })));
    await until(() => exits.length > 0);

    // 0 where it was over before anybody could ask.
    expect(task.pid).toBeGreaterThanOrEqual(0);
    expect(exits).toEqual([
      { run: 'life-1', status: { kind: 'exited', code: 7 }, oomKilled: false },
    ]);
  });

  it('starts a task once however often it is asked to', async () => {
    const { launcher, spec, during } = await arrange();
    const wanted = await spec('life-2', { does: 'runs' });

    const both = await during(Promise.all([launcher.launch(wanted), launcher.launch(wanted)]));
    const again = await launcher.launch(wanted);

    expect(new Set([...both, again].map(({ pid }) => pid)).size).toBe(1);
  });

  it('ends a task by SIGTERM within the grace', async () => {
    const { launcher, spec, ready, until, during, exits } = await arrange();
    const wanted = await spec('life-3', { does: 'runs' });
    await during(launcher.launch(wanted));
    await ready(wanted);

    await during(launcher.kill(runKeyOfTask('life-3'), { graceMs: 30_000 }));
    await until(() => exits.length > 0);

    expect(exits[0]?.status).toMatchObject({ signal: 15 });
  });

  it('ends a task that ignores SIGTERM by SIGKILL after the grace', async () => {
    const { launcher, spec, ready, until, during, exits } = await arrange();
    const wanted = await spec('life-4', { does: 'ignores-term' });
    await during(launcher.launch(wanted));
    await ready(wanted);

    await during(launcher.kill(runKeyOfTask('life-4'), { graceMs: 300 }));
    await until(() => exits.length > 0);

    expect(exits[0]?.status).toMatchObject({ signal: 9 });
  });

  it('shortens the grace at a second kill', async () => {
    const { launcher, spec, ready, until, during, exits } = await arrange();
    const wanted = await spec('life-5', { does: 'ignores-term' });
    await during(launcher.launch(wanted));
    await ready(wanted);

    await during(launcher.kill(runKeyOfTask('life-5'), { graceMs: 3_600_000 }));
    await during(launcher.kill(runKeyOfTask('life-5'), { graceMs: 0 }));
    await until(() => exits.length > 0);

    expect(exits[0]?.status).toMatchObject({ signal: 9 });
  });

  it('fails a launch that cannot start and leaves nothing running', async () => {
    const { launcher, spec, during, restart } = await arrange();
    const wanted = await spec('life-6', { does: 'cannot-start' });

    const error = await during(launcher.launch(wanted)).catch((reason: unknown) => reason);
    await launcher.close();
    const found = await during(restart().reattach(wanted));

    expect(error).toBeInstanceOf(LaunchError);
    expect(found.kind).toBe('gone');
  });

  it('shrugs at a kill, a release or a second release of an unknown task', async () => {
    const { launcher, during } = await arrange();

    await during(launcher.kill(runKeyOfTask('life-7'), { graceMs: 0 }));
    await during(launcher.release(runKeyOfTask('life-7')));
    await during(launcher.release(runKeyOfTask('life-7')));
  });

  it('runs commands inside a running task only', async () => {
    const { launcher, spec, during } = await arrange();
    await during(launcher.launch(await spec('life-8', { does: 'runs' })));

    const run = launcher.execute(runKeyOfTask('life-8'), 'true', { timeoutMs: 20_000 });
    const result = await during(run);
    const unknown = launcher.execute(runKeyOfTask('other'), 'true', { timeoutMs: 20_000 });

    expect(result.exitCode).toBe(0);
    await expect(during(unknown)).rejects.toThrow('other');
  });
}

function describeRestart(arrange: Arrange): void {
  it('finds a running task again and reports its end', async () => {
    const { launcher, spec, restart, ready, until, during, exits } = await arrange();
    const wanted = await spec('restart-1', { does: 'runs' });
    const { pid } = await during(launcher.launch(wanted));
    await ready(wanted);

    await launcher.close();
    const next = restart();
    next.onExit((exit) => exits.push(exit));
    const found = await during(next.reattach(wanted));
    await during(next.kill(wanted.run, { graceMs: 30_000 }));
    await until(() => exits.length > 0);

    expect(found).toMatchObject({ kind: 'running', task: { pid } });
    expect(exits).toHaveLength(1);
    expect(exits[0]?.status).toMatchObject({ signal: 15 });
  });

  it('learns the exit code of a task that ended in between', async () => {
    const { launcher, spec, restart, until, during, exits } = await arrange();
    const wanted = await spec('restart-2', { does: 'exits', code: 4 });
    await during(launcher.launch(wanted));
    await until(() => exits.length > 0);

    await launcher.close();
    const found = await during(restart().reattach(wanted));

    expect(found).toMatchObject({
      kind: 'exited',
      exit: { run: 'restart-2', status: { kind: 'exited', code: 4 } },
    });
  });

  it('says that a task which was never launched is gone', async () => {
    const { launcher, spec, during } = await arrange();

    const found = await during(launcher.reattach(await spec('restart-3', { does: 'runs' })));

    expect(found.kind).toBe('gone');
  });

  it('ends strays and leaves known tasks alone', async () => {
    const { launcher, spec, restart, during } = await arrange();
    const known = await spec('restart-4', { does: 'runs' });
    const stray = await spec('restart-5', { does: 'runs' });
    await during(Promise.all([launcher.launch(known), launcher.launch(stray)]));

    await launcher.close();
    const next = restart();
    const ended = await during(next.removeStrays(new Set([known.run])));
    const found = await during(next.reattach(known));

    expect(ended).toEqual(['restart-5']);
    expect(found.kind).toBe('running');
  });
}
