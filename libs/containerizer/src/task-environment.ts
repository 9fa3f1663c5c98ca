/**
 * The variables of a task without an image. The programs that start it (shells, setsid, mv, setpriv) run as the agent's
 * user and never see them: LD_PRELOAD alone would make them run the task's code. A shell sets them in the end, as the
 * task's own user, from a file in the runtime directory.
 */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LaunchError, type LaunchSpec } from '#core';
import { EARLIER_RUN_VARIABLE, RUN_VARIABLE, SCOPE_VARIABLE } from './supervisor-script.js';

export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

const ENVIRONMENT_FILE = 'environment';
/** Linux: one argument or one string of an environment is, with its end, at most 32 pages. */
export const MAX_STRING_BYTES = 32 * 4096 - 1;

/** Adds a search path if there is none, and the marks by which strays are found. */
export function toEnvironment(spec: LaunchSpec, scope: string): Record<string, string> {
  requirePassableVariables(spec.environment);
  return {
    PATH: DEFAULT_PATH,
    ...spec.environment,
    ...gpuVariables(spec),
    [RUN_VARIABLE]: spec.run,
    [SCOPE_VARIABLE]: scope,
  };
}

/** What CUDA and what NVIDIA's tools go by. They ask a program to keep to its GPUs; nothing makes it. */
function gpuVariables({ gpus }: Pick<LaunchSpec, 'gpus'>): Record<string, string> {
  if (gpus === undefined) return {};
  const ids = gpus.join(',');
  return { CUDA_VISIBLE_DEVICES: ids, NVIDIA_VISIBLE_DEVICES: ids };
}

/** Refuses by name what the system cannot pass on. */
export function requirePassableVariables(environment: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(environment)) {
    if (name === '' || name.includes('=') || `${name}${value}`.includes('\0')) {
      throw new LaunchError('prepare', `environment variable "${name}" cannot be passed on`);
    }
    const bytes = Buffer.byteLength(`${name}=${value}`);
    if (bytes > MAX_STRING_BYTES) {
      const reason = `environment variable "${name}" has ${bytes} bytes with its name, the system's limit is ${MAX_STRING_BYTES}`;
      throw new LaunchError('prepare', reason);
    }
  }
}

/** The variables by which a task's processes are recognised. */
export const MARK_VARIABLES = {
  run: RUN_VARIABLE,
  earlierRun: EARLIER_RUN_VARIABLE,
  scope: SCOPE_VARIABLE,
};

/** The marks alone: what the programs around a task may have of it. */
export function marksOf(environment: Readonly<Record<string, string>>): Record<string, string> {
  return {
    [RUN_VARIABLE]: environment[RUN_VARIABLE] ?? environment[EARLIER_RUN_VARIABLE] ?? '',
    [SCOPE_VARIABLE]: environment[SCOPE_VARIABLE] ?? '',
  };
}

/**
 * Writes the file unless it is there and gives its path; see `becomeTask` in supervisor-script.ts. A command that has more
 * variables than the task gets a file of its own, which is kept for its next run.
 */
export function writeEnvironment(
  runtimeDirectory: string,
  environment: Readonly<Record<string, string>>,
  more: Readonly<Record<string, string>> = {},
): string {
  requirePassableVariables(more);
  const hasMore = Object.keys(more).length > 0;
  const text = environmentScript(hasMore ? { ...environment, ...more } : environment);
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 16);
  const file = join(runtimeDirectory, hasMore ? `${ENVIRONMENT_FILE}-${hash}` : ENVIRONMENT_FILE);
  try {
    writeFileSync(file, text, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return file;
}

/** `'text'` for a POSIX shell, whatever is in it. */
export const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/**
 * One compound command, so a shell has read all of it before a variable (LC_ALL) may change how it reads. What it cannot
 * set itself is set by `env`, which executes the task then. Input may be this very file.
 */
export function environmentScript(
  environment: Readonly<Record<string, string>>,
  redirections = '</dev/null',
): string {
  const all = Object.entries(environment);
  const plain = all.filter(([name]) => isAssignable(name));
  const odd = all.filter(([name]) => !isAssignable(name));
  const exported = plain.map(([name, value]) => `${name}=${quote(value)}`).join(' ');
  const set = odd.map(([name, value]) => quote(`${name}=${value}`)).join(' ');
  const through = odd.length === 0 ? '' : `/usr/bin/env -- ${set} `;
  return `{ export ${exported}; exec ${through}"$@" ${redirections}; }\n`;
}

const SHELL_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** What a shell may refuse to have assigned, gives a value of its own (bash), or checks or does not export (dash). */
const RESERVED = new Set(
  `_ DIRSTACK EPOCHREALTIME EPOCHSECONDS EUID FUNCNAME GROUPS HISTCMD IFS LINENO OPTIND PPID PWD RANDOM SECONDS SHELLOPTS
  SRANDOM UID`.split(/\s+/),
);

const isAssignable = (name: string): boolean =>
  SHELL_NAME.test(name) && !RESERVED.has(name) && !name.startsWith('BASH');
