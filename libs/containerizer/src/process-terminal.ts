/** A terminal for a task without an image, whose output is the task's `stdout`. Nobody types at it: who reads waits. */
import { LaunchError, type LaunchSpec } from '#core';
import { findProgram } from './process-invocation.js';
import { MAX_STRING_BYTES, quote } from './task-environment.js';

/** As of a new window; there is none to be asked for its size. */
const SIZE = 'rows 24 columns 80';
const TERM = 'xterm';

/**
 * `script` makes the terminal, as the task's user, and would give its own input's end to the task: so its input is a pipe
 * that ends never, being open to be written by the reader itself, and without a name once it is open.
 */
const HOLD_INPUT = `
_pacer_in=.terminal-$$
"$1" -m 600 "$_pacer_in" && exec 0<>"$_pacer_in"
"$2" -f "$_pacer_in"; unset _pacer_in; shift 2
SHELL=/bin/sh; export SHELL
exec "$@"
`.trim();

/** What is executed for `argv` in a terminal. Its process only passes signals on in its own way, so none is sent to it. */
export async function inTerminal(
  argv: readonly string[],
  environment: LaunchSpec['environment'],
): Promise<readonly string[]> {
  const [script, mkfifo, rm] = await Promise.all(['script', 'mkfifo', 'rm'].map(findProgram));
  if (script === undefined || mkfifo === undefined || rm === undefined) {
    throw new LaunchError(
      'prepare',
      'a terminal (tty) needs the program `script` (util-linux; Debian: package bsdutils), which this host does not have',
    );
  }
  const command = commandInside(argv, environment);
  const bytes = Buffer.byteLength(command);
  if (bytes > MAX_STRING_BYTES) {
    const reason = `cmd has ${bytes} bytes when quoted, with a terminal (tty) the limit is ${MAX_STRING_BYTES}`;
    throw new LaunchError('prepare', reason);
  }
  return ['/bin/sh', '-c', HOLD_INPUT, 'sh', mkfifo, rm, script, '-qefc', command, '/dev/null'];
}

/** The shell it runs in is ours, the task's variables are as they were. */
function commandInside(argv: readonly string[], environment: LaunchSpec['environment']): string {
  const { SHELL: shell, TERM: term } = environment;
  return [
    `stty ${SIZE} 2>/dev/null`,
    shell === undefined ? 'unset SHELL' : `SHELL=${quote(shell)}; export SHELL`,
    ...(term === undefined ? [`TERM=${TERM}; export TERM`] : []),
    `exec ${argv.map(quote).join(' ')}`,
  ].join('; ');
}
