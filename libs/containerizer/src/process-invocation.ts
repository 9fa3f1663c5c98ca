/** What is executed for a task without an image: argument vector and user. */
import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { LaunchError, type LaunchSpec } from '#core';
import type { UserIdentity } from './launch-record.js';
import { DEFAULT_PATH, MAX_STRING_BYTES } from './task-environment.js';

const run = promisify(execFile);

const ID_TIMEOUT_MS = 10_000;

/**
 * The command as argv. POSIX sh cannot set argv[0] apart from the file it runs, so with `value` given, `args[0]` (the
 * program's own name) is dropped. What the system cannot pass on is refused by name: execution itself would only fail.
 */
export function toArgv(command: LaunchSpec['command']): readonly string[] {
  requirePassableCommand(command);
  if (command.kind === 'shell') return ['/bin/sh', '-c', command.value];
  const [name, ...rest] = command.args;
  const file = command.value ?? name;
  if (file === undefined || file === '') {
    throw new LaunchError('prepare', 'command has neither a value nor arguments');
  }
  return [file, ...rest];
}

/** What runs beside a task. */
export const executionArgv = (command: string | readonly string[]): readonly string[] =>
  toArgv(
    typeof command === 'string'
      ? { kind: 'shell', value: command }
      : { kind: 'exec', args: command },
  );

/** Throws a {@link LaunchError} that names the part which is too long, and the limit. */
export function requirePassableCommand(command: LaunchSpec['command']): void {
  if (command.value !== undefined) requirePassable('cmd', command.value);
  if (command.kind === 'shell') return;
  command.args.forEach(
    (argument, index) => void requirePassable(`argument ${index + 1}`, argument),
  );
}

function requirePassable(name: string, text: string): void {
  const bytes = Buffer.byteLength(text);
  if (bytes <= MAX_STRING_BYTES) return;
  const reason = `${name} has ${bytes} bytes, the system's limit for one argument is ${MAX_STRING_BYTES}`;
  throw new LaunchError('prepare', reason);
}

/**
 * What the supervisor executes: the task itself, or the switch to another user and the shell that becomes the task; it
 * reads from its input how.
 */
export function withUser(
  user: UserIdentity | undefined,
  argv: readonly string[],
  tool: string,
): readonly string[] {
  if (user === undefined) return argv;
  const ids = [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--init-groups'];
  return [tool, ...ids, '--', '/bin/sh', '-s', '--', ...argv];
}

/** The program and its options, without blanks in any of them, that sets limits for a process; empty for none. */
export async function toRlimitCommand(rlimits: LaunchSpec['rlimits'] = []): Promise<string> {
  if (rlimits.length === 0) return '';
  const tool = await findProgram('prlimit');
  if (tool === undefined) throw new LaunchError('prepare', 'rlimits: prlimit is missing');
  const options = rlimits.map(({ name, soft, hard }) => `--${name}=${soft}:${hard}`);
  return [tool, ...options].join(' ');
}

/** Resolves whom a task runs as; undefined means as the agent itself. Looked up once per name. */
export function createUserResolver(): (name: string | undefined) => Promise<UserRequest> {
  const resolved = new Map<string, Promise<UserRequest>>();
  return async (name) => {
    if (name === undefined || name === currentUser()) return { user: undefined, tool: '' };
    const known = resolved.get(name);
    if (known !== undefined) return await known;
    const lookup = resolveUser(name);
    resolved.set(name, lookup);
    // A user may be added later, so a failure is not remembered.
    lookup.catch(() => resolved.delete(name));
    return await lookup;
  };
}

export interface UserRequest {
  readonly user: UserIdentity | undefined;
  /** The program that switches to it. */
  readonly tool: string;
}

async function resolveUser(name: string): Promise<UserRequest> {
  if (process.geteuid?.() !== 0) {
    const reason = `user "${name}" differs from the agent's own "${currentUser()}" and the agent is not root`;
    throw new LaunchError('prepare', reason);
  }
  const tool = await findProgram('setpriv');
  if (tool === undefined) throw new LaunchError('prepare', `user "${name}": setpriv is missing`);
  try {
    const [uid, gid] = await Promise.all([readId('-u', name), readId('-g', name)]);
    return { user: { name, uid, gid }, tool };
  } catch (cause) {
    throw new LaunchError('prepare', `user "${name}" does not exist on this host`, { cause });
  }
}

async function readId(option: '-u' | '-g', name: string): Promise<number> {
  const { stdout } = await run('id', [option, '--', name], { timeout: ID_TIMEOUT_MS });
  return Number(stdout.trim());
}

/** Its path, or undefined when this host does not have it. */
export async function findProgram(name: string): Promise<string | undefined> {
  for (const directory of DEFAULT_PATH.split(':')) {
    const file = join(directory, name);
    const found = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return file;
  }
  return undefined;
}

function currentUser(): string {
  try {
    return userInfo().username;
  } catch {
    // A uid without an entry in the user database has no name.
    return String(process.geteuid?.() ?? '');
  }
}
