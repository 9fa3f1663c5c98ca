/** Runs a command beside a task without an image: as its user, in its folder, environment and cgroups. */
import type { CommandResult, Launcher } from '#core';
import type { Hierarchy } from './cgroup-hierarchies.js';
import { killMarked, newExecutionMark } from './execution-mark.js';
import type { LaunchRecord } from './launch-record.js';
import { executionArgv, type UserRequest, withUser } from './process-invocation.js';
import { runBounded } from './run-bounded.js';
import { joinArguments } from './supervisor-script.js';
import { cgroupName, joinSettings } from './task-cgroup.js';
import { marksOf, writeEnvironment } from './task-environment.js';

/** Rejects at the deadline, when nothing of the command is left. */
export async function executeBeside(
  task: {
    readonly runtimeDirectory: string;
    readonly sandbox: string;
    readonly hierarchies: readonly Hierarchy[];
    readonly record: LaunchRecord;
    readonly user: UserRequest;
    readonly listProcesses: () => Promise<readonly number[]>;
  },
  command: Parameters<Launcher['execute']>[1],
  { timeoutMs, environment }: Parameters<Launcher['execute']>[2],
): Promise<CommandResult> {
  const { record } = task;
  const { user, tool } = task.user;
  const mark = newExecutionMark();
  try {
    return await runBounded({
      file: '/bin/sh',
      args: joinArguments({
        environmentFile: writeEnvironment(task.runtimeDirectory, record.environment, environment),
        shellUser: user === undefined ? 'own' : 'other',
        settings: joinSettings(task.hierarchies, cgroupName(record.run)),
        argv: withUser(user, executionArgv(command), tool),
      }),
      cwd: task.sandbox,
      environment: { ...marksOf(record.environment), ...mark },
      timeoutMs,
    });
  } catch (error) {
    await killMarked(mark, task.listProcesses).catch(() => undefined);
    throw error;
  }
}
