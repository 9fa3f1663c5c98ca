import type { Clock, LaunchSpec } from '#core';
import { frameworkId, runKeyOfTask, taskId } from '#core';
import { type ContractTask, launcherContract } from './launcher.contract.js';
import { type VirtualBehaviour, VirtualHost } from './virtual-launcher.js';

const ADVANCES = 1_000;

/** Just enough of a clock for this spec: jumps to the next timer. */
function createJumpingClock() {
  const timers = new Set<{ readonly atMs: number; readonly run: () => void }>();
  let monoMs = 0;
  const clock: Clock = {
    now: () => ({ epochMs: monoMs, monoMs }),
    schedule(delayMs, run) {
      const timer = { atMs: monoMs + delayMs, run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
  };
  const advance = async (): Promise<void> => {
    const [next] = [...timers].sort((a, b) => a.atMs - b.atMs);
    if (next !== undefined) {
      timers.delete(next);
      monoMs = next.atMs;
      next.run();
    }
    await Promise.resolve();
  };
  return { clock, advance };
}

function toBehaviour(task: ContractTask | undefined): VirtualBehaviour {
  switch (task?.does) {
    case 'exits':
      return { runsForMs: 1, exit: { kind: 'exited', code: task.code } };
    case 'ignores-term':
      return { termMs: 'never' };
    case 'cannot-start':
      return { failsIn: 'start' };
    default:
      return {};
  }
}

launcherContract('the virtual launcher', async () => {
  const { clock, advance } = createJumpingClock();
  const tasks = new Map<string, ContractTask>();
  const behaviour = (spec: LaunchSpec) => toBehaviour(tasks.get(spec.taskId));
  const host = new VirtualHost({ clock, behaviour });
  return {
    launcher: host.launcher(),
    restart: () => host.launcher(),
    async spec(id, task) {
      tasks.set(id, task);
      return {
        run: runKeyOfTask(id),
        taskId: taskId(id),
        frameworkId: frameworkId('f1'),
        sandbox: `/sandbox/${id}`,
        runtimeDirectory: `/runtime/${id}`,
        command: { kind: 'shell', value: '' },
        environment: {},
        cpuMillis: 100,
        memMib: 32,
      };
    },
    async until(condition) {
      for (let count = 0; count < ADVANCES && !condition(); count += 1) await advance();
      if (!condition()) throw new Error(`not reached after ${ADVANCES} timers`);
    },
    async during(work) {
      let done = false;
      const settled = work.finally(() => {
        done = true;
      });
      settled.catch(() => undefined);
      for (let count = 0; count < ADVANCES && !done; count += 1) {
        // A second turn lets promise chains settle before time moves again.
        for (let turn = 0; turn < 10 && !done; turn += 1) await Promise.resolve();
        if (!done) await advance();
      }
      return await settled;
    },
    async ready() {},
    async dispose() {},
  };
});
