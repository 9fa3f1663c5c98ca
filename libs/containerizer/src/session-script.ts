/**
 * How a command becomes part of a task: a shell of the agent's user joins the cgroups, then the task's user is taken on,
 * then a shell of that user sets the task's variables and becomes the command. Descriptors: 3 brings the variables as a
 * script, 4 takes the name of the terminal, 5 keeps the input while the shell reads its script.
 */
import type { ExecRequest } from '#core';
import type { UserIdentity } from './launch-record.js';
import type { CgroupSetting } from './task-cgroup.js';
import { quote } from './task-environment.js';

export const VARIABLES_DESCRIPTOR = 3;
export const TERMINAL_DESCRIPTOR = 4;

/** What the script of variables ends in: the command gets its input back, and none of our descriptors. */
export const SESSION_REDIRECTIONS = '<&5 3<&- 4<&- 5<&-';

const JOIN_SCRIPT = `
while [ "$1" != -- ]; do echo "$2" 2>/dev/null >"$1"; shift 2; done
shift
exec "$@"
`.trim();

const BECOME = 'exec /bin/sh -s -- "$@" 5<&0 <&3';

/** Arguments for `/bin/sh`. `tools` are the paths of setpriv (for another user) and script (for a terminal). */
export function sessionArguments(given: {
  readonly request: ExecRequest;
  readonly settings: readonly CgroupSetting[];
  readonly user: UserIdentity | undefined;
  readonly tools: { readonly setpriv: string; readonly script: string };
}): string[] {
  const { request, settings, user, tools } = given;
  const switched =
    user === undefined
      ? []
      : [tools.setpriv, `--reuid=${user.uid}`, `--regid=${user.gid}`, '--init-groups', '--'];
  const inner =
    request.terminal === undefined
      ? ['/bin/sh', '-c', BECOME, 'sh', ...request.argv]
      : [tools.script, '-qefc', terminalCommand(request.argv, request.terminal), '/dev/null'];
  return ['-c', JOIN_SCRIPT, 'pacer-exec', ...settings.flat(), '--', ...switched, ...inner];
}

/** `script` makes the terminal, as the task's own user, whose it is then; it switches echo off where its input is a pipe. */
function terminalCommand(
  argv: readonly string[],
  { columns, rows, term }: NonNullable<ExecRequest['terminal']>,
): string {
  const command = ['/bin/sh', '-c', 'TERM=$0; export TERM; exec "$@"', term, ...argv];
  return [
    'tty >&4; exec 4>&-',
    `stty echo iutf8 rows ${rows} columns ${columns}`,
    `set -- ${command.map(quote).join(' ')}`,
    BECOME,
  ].join('; ');
}
