/**
 * The POSIX sh program that stands between the agent and a task. It stays outside the task's cgroups, starts the task
 * in the foreground (a background child would ignore SIGINT), waits, and records the exit status by rename. It needs
 * nobody: the agent may die at any point. Order, so that a restarted agent can always decide:
 *
 * 1. the agent writes `launch.json`, then starts this program;
 * 2. `pid` is written (both processes with their start times) before anything of the task runs;
 * 3. `revoked` is looked for: whoever finds a launch without `pid` writes it first and looks again, so either the
 *    finder sees `pid` or this program sees `revoked` and runs nothing;
 * 4. limits, cgroup membership, working directory, then exec; `exit` when it has ended.
 */
import type { CgroupSetting } from './task-cgroup.js';

/** Marks all processes of a task, so that strays are found even where there are no cgroups. */
export const TASK_VARIABLE = 'PACER_TASK_ID';
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

/** What `/bin/sh -c` runs. */
export const SUPERVISOR_SCRIPT = `
_pacer_key=$1; _pacer_run=$2; _pacer_box=$3; shift 3
trap : HUP INT QUIT TERM USR1 USR2 ALRM PIPE
${readIdentity('_pacer_w', '_pacer_v')}
exec 4>&1 5>&2 >/dev/null 2>&1
(
trap : PIPE
fail() { echo "$1" >"$_pacer_run/revoked"; echo "E $_pacer_key $1" >&3; exit 125; }
${readIdentity('_pacer_p', '_pacer_s')}
echo "$_pacer_w $_pacer_v $_pacer_p $_pacer_s" >"$_pacer_run/pid" || fail "cannot write $_pacer_run/pid"
[ -e "$_pacer_run/revoked" ] && exit 125
while [ "$1" != -- ]; do
echo "$2" >"$1" || fail "cannot write $2 to $1"
shift 2
done
shift
cd "$_pacer_box" || fail "cannot enter $_pacer_box"
unset OLDPWD
echo "S $_pacer_key $_pacer_w $_pacer_v $_pacer_p $_pacer_s" >&3
exec "$@" >&4 2>&5 3>&- 4>&- 5>&-
)
_pacer_c=$?
[ -e "$_pacer_run/revoked" ] && { echo "X $_pacer_key 125" >&3; exit 125; }
echo "$_pacer_c" >"$_pacer_run/exit.new" && PATH=/usr/bin:/bin mv -f "$_pacer_run/exit.new" "$_pacer_run/exit" ||
echo "$_pacer_c" >"$_pacer_run/exit"
echo "X $_pacer_key $_pacer_c" >&3
exit "$_pacer_c"
`.trim();

/** Its arguments. `title` is what process lists show as the program's name. */
export function supervisorArguments(request: {
  readonly title: string;
  readonly key: string;
  readonly runtimeDirectory: string;
  readonly sandbox: string;
  readonly settings: readonly CgroupSetting[];
  readonly argv: readonly string[];
}): string[] {
  const { title, key, runtimeDirectory, sandbox, settings, argv } = request;
  return [title, key, runtimeDirectory, sandbox, ...settings.flat(), '--', ...argv];
}

/** Arguments for `/bin/sh` to run a command inside the same cgroups, errors of joining ignored. */
export function joinArguments(settings: readonly CgroupSetting[], argv: readonly string[]) {
  const script =
    'while [ "$1" != -- ]; do echo "$2" 2>/dev/null >"$1"; shift 2; done; shift; exec "$@"';
  return ['-c', script, 'pacer-check', ...settings.flat(), '--', ...argv];
}
