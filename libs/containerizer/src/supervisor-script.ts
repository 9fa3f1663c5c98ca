/**
 * The POSIX sh program that stands between the agent and a task. It stays outside the task's cgroups, starts the task
 * in the foreground (a background child would ignore SIGINT), waits, and records the exit status by rename. It needs
 * nobody: the agent may die at any point. Order, so that a restarted agent can always decide:
 *
 * 1. the agent writes `launch.json`, then starts this program;
 * 2. `pid` is written (both processes with their start times) before anything of the task runs;
 * 3. `revoked` is looked for: whoever finds a launch without `pid` writes it first and looks again, so either the
 *    finder sees `pid` or this program sees `revoked` and runs nothing; `exit.new` is filled before, so that the status
 *    has room on a disk that is full by then;
 * 4. limits, cgroup membership, working directory, rlimits, then the task's user and variables, then exec; `exit` when it has
 *    ended. None of the task's variables is set before its user is.
 */
import type { CgroupSetting } from './task-cgroup.js';

/** Marks all processes of a run with its key, so that strays are found even where there are no cgroups. */
export const RUN_VARIABLE = 'PACER_RUN';
/** The same mark on processes that were started before tasks had keys: the task's id, which is their key. */
export const EARLIER_RUN_VARIABLE = 'PACER_TASK_ID';
/** Tells the tasks of several agents on one host apart. */
export const SCOPE_VARIABLE = 'PACER_AGENT_SCOPE';

/**
 * The descriptor on which the program reports, each line beginning with its kind and the key of the launch: `S` and the
 * pids (started), or `E` and the reason; at the end `X` and the exit code.
 */
export const REPORT_DESCRIPTOR = 3;

/** Reads pid (field 1) and start time (field 22) of the shell itself, which is named without spaces. */
const readIdentity = (pid: string, start: string) =>
  `read -r ${pid} ${'_pacer_x '.repeat(20)}${start} _pacer_x </proc/self/stat`;

/**
 * Becomes the task `"$@"`. As the agent's own user this shell sets the variables itself; another user's shell, which
 * `"$@"` ends in, gets the file as its input, as it could not open it.
 */
const becomeTask = (file: string) =>
  `[ "$_pacer_as" = other ] && exec "$@" <"${file}"\n. "${file}"`;

/** What `/bin/sh -c` runs. */
export const SUPERVISOR_SCRIPT = `
_pacer_key=$1; _pacer_run=$2; _pacer_box=$3; _pacer_as=$4; _pacer_lim=$5; shift 5
trap : HUP INT QUIT TERM USR1 USR2 ALRM PIPE
${readIdentity('_pacer_w', '_pacer_v')}
exec 4>&1 5>&2 >/dev/null 2>&1
(
trap : PIPE
fail() { echo "$1" >"$_pacer_run/revoked"; echo "E $_pacer_key $1" >&3; exit 125; }
${readIdentity('_pacer_p', '_pacer_s')}
echo 000 >"$_pacer_run/exit.new" || fail "cannot write $_pacer_run/exit.new"
echo "$_pacer_w $_pacer_v $_pacer_p $_pacer_s" >"$_pacer_run/pid" || fail "cannot write $_pacer_run/pid"
[ -e "$_pacer_run/revoked" ] && exit 125
while [ "$1" != -- ]; do
echo "$2" >"$1" || fail "cannot write $2 to $1"
shift 2
done
shift
cd "$_pacer_box" || fail "cannot enter $_pacer_box"
unset OLDPWD
[ "$_pacer_lim" ] && { _pacer_x=$($_pacer_lim --pid "$_pacer_p" 2>&1) || fail "cannot set its rlimits: $_pacer_x"; }
echo "S $_pacer_key $_pacer_w $_pacer_v $_pacer_p $_pacer_s" >&3
exec >&4 2>&5 3>&- 4>&- 5>&-
${becomeTask('$_pacer_run/environment')}
)
_pacer_c=$?
[ -e "$_pacer_run/revoked" ] && { echo "X $_pacer_key 125" >&3; exit 125; }
echo "$_pacer_c" 1<>"$_pacer_run/exit.new" && PATH=/usr/bin:/bin mv -f "$_pacer_run/exit.new" "$_pacer_run/exit" ||
echo "$_pacer_c" >"$_pacer_run/exit"
echo "X $_pacer_key $_pacer_c" >&3
exit "$_pacer_c"
`.trim();

/** Whose shell sets the task's variables. */
export type ShellUser = 'own' | 'other';

/** Its arguments. `title` is what process lists show as the program's name. */
export function supervisorArguments(request: {
  readonly title: string;
  readonly key: string;
  readonly runtimeDirectory: string;
  readonly sandbox: string;
  readonly shellUser: ShellUser;
  readonly settings: readonly CgroupSetting[];
  /** What sets the limits of a process, split at blanks; empty: nothing. */
  readonly rlimits: string;
  readonly argv: readonly string[];
}): string[] {
  const { title, key, runtimeDirectory, sandbox, shellUser, settings, rlimits, argv } = request;
  const own = [title, key, runtimeDirectory, sandbox, shellUser, rlimits];
  return [...own, ...settings.flat(), '--', ...argv];
}

const JOIN_SCRIPT = `
_pacer_env=$1; _pacer_as=$2; shift 2
while [ "$1" != -- ]; do echo "$2" 2>/dev/null >"$1"; shift 2; done
shift
${becomeTask('$_pacer_env')}
`.trim();

/** Arguments for `/bin/sh` to run a command as the task and inside its cgroups, errors of joining ignored. */
export function joinArguments(request: {
  readonly environmentFile: string;
  readonly shellUser: ShellUser;
  readonly settings: readonly CgroupSetting[];
  readonly argv: readonly string[];
}): string[] {
  const { environmentFile, shellUser, settings, argv } = request;
  const own = ['pacer-check', environmentFile, shellUser];
  return ['-c', JOIN_SCRIPT, ...own, ...settings.flat(), '--', ...argv];
}
