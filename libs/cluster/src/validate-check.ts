import type { CommandInfo, TaskInfo, WireHealthCheck } from '#mesos-v1';
import { byteLength } from './text-size.js';

/** Rules of `health_check` and `check`; each function names the first one broken, or undefined. */

/** Old messages have no `type`: what they carry says it. */
export function findHealthCheckDefect(check: WireHealthCheck | undefined): string | undefined {
  if (check === undefined) return undefined;
  const amiss = findTimeDefect(check, 'health_check') ?? findCountDefect(check);
  if (amiss !== undefined) return amiss;
  const type = healthCheckType(check);
  switch (type) {
    case 'COMMAND':
      return findCommandDefect(check.command, 'health_check.command');
    case 'HTTP':
      return findHttpDefect(check.http, 'health_check.http');
    case 'TCP':
      return findPortDefect(check.tcp, 'health_check.tcp');
    case undefined:
      return 'health_check has neither type nor command, http or tcp';
    default:
      return type satisfies never;
  }
}

/** CheckInfo, which is passed on to the agent as it is. */
export function findGenericCheckDefect(check: TaskInfo['check']): string | undefined {
  if (check === undefined) return undefined;
  if (!isRecord(check)) return 'check is not an object';
  const amiss = findTimeDefect(check, 'check');
  if (amiss !== undefined) return amiss;
  switch (check['type']) {
    case 'COMMAND': {
      const command = isRecord(check['command']) ? check['command']['command'] : undefined;
      return findCommandDefect(command, 'check.command.command');
    }
    case 'HTTP':
      return findHttpDefect(check['http'], 'check.http');
    case 'TCP':
      return findPortDefect(check['tcp'], 'check.tcp');
    case undefined:
      return 'check.type is required';
    default:
      return 'check.type is not COMMAND, HTTP or TCP';
  }
}

/** What is checked; of a message without `type`, what it carries says it. */
export const healthCheckType = (check: WireHealthCheck): WireHealthCheck['type'] => {
  if (check.type !== undefined) return check.type;
  if (check.http !== undefined) return 'HTTP';
  if (check.tcp !== undefined) return 'TCP';
  return check.command === undefined ? undefined : 'COMMAND';
};

const TIMES = [
  'delay_seconds',
  'interval_seconds',
  'timeout_seconds',
  'grace_period_seconds',
] as const;
const MAX_SECONDS = 365 * 24 * 3600;
const MAX_COUNT = 0xffffffff;

function findTimeDefect(check: object, path: string): string | undefined {
  for (const name of TIMES) {
    const value = (check as Readonly<Record<string, unknown>>)[name];
    if (value === undefined || value === null) continue;
    if (typeof value !== 'number') return `${path}.${name} is ${nameOf(value)}, not a number`;
    if (value < 0) return `${path}.${name} is ${value}, below 0`;
    if (!(value <= MAX_SECONDS)) return `${path}.${name} is ${value}, above ${MAX_SECONDS}`;
  }
  return undefined;
}

function findCountDefect({ consecutive_failures: count }: WireHealthCheck): string | undefined {
  if (count === undefined) return undefined;
  if (Number.isInteger(count) && count >= 0 && count <= MAX_COUNT) return undefined;
  const side = count < 0 ? 'below 0' : `not a whole number up to ${MAX_COUNT}`;
  return `health_check.consecutive_failures is ${count}, ${side}`;
}

/** Linux: one argument is, with its end, at most 32 pages. */
const MAX_ARGUMENT_BYTES = 32 * 4096 - 1;
const MAX_ARGUMENTS = 1_000;
/** All arguments and variables together; the system takes more, but the task's own variables are to fit too. */
const MAX_TOTAL_BYTES = 512 * 1024;

function findCommandDefect(command: CommandInfo | unknown, path: string): string | undefined {
  if (!isRecord(command)) return `${path} is required`;
  const { value, shell } = command;
  if (typeof value !== 'string' || value === '') return `${path}.value is required`;
  if (shell !== undefined && shell !== null && typeof shell !== 'boolean') {
    return `${path}.shell is ${nameOf(shell)}, neither true nor false`;
  }
  const list = command['arguments'] ?? [];
  if (!Array.isArray(list)) return `${path}.arguments is not a list`;
  if (list.length > MAX_ARGUMENTS) {
    return `${path}.arguments has ${list.length} entries, above ${MAX_ARGUMENTS}`;
  }
  const words = new Map<string, unknown>([[`${path}.value`, value]]);
  list.forEach((word: unknown, index) => void words.set(`${path}.arguments[${index}]`, word));
  const variables = readVariables(command['environment'], path);
  if (typeof variables === 'string') return variables;
  for (const [name, text] of variables) words.set(name, text);
  return findSizeDefect(words, path);
}

/** By the field that gives them, `NAME=value`; or what is wrong. */
function readVariables(environment: unknown, path: string): ReadonlyMap<string, string> | string {
  const found = new Map<string, string>();
  const variables = isRecord(environment) ? (environment['variables'] ?? []) : [];
  if (!Array.isArray(variables)) return `${path}.environment.variables is not a list`;
  for (const [index, variable] of (variables as readonly unknown[]).entries()) {
    const field = `${path}.environment.variables[${index}]`;
    if (!isRecord(variable)) return `${field} is not an object`;
    const { name, value, type } = variable;
    if (typeof name !== 'string' || name === '' || name.includes('=')) {
      return `${field}.name is required, without "="`;
    }
    if (type === 'SECRET') return `${field} is a SECRET, which no check can have`;
    if (value !== undefined && value !== null && typeof value !== 'string') {
      return `${field}.value is ${nameOf(value)}, not a text`;
    }
    found.set(field, `${name}=${value ?? ''}`);
  }
  return found;
}

function findSizeDefect(words: ReadonlyMap<string, unknown>, path: string): string | undefined {
  let total = 0;
  for (const [field, text] of words) {
    if (typeof text !== 'string') return `${field} is ${nameOf(text)}, not a text`;
    if (text.includes('\0')) return `${field} contains a NUL, which no program can be given`;
    const bytes = byteLength(text);
    if (bytes > MAX_ARGUMENT_BYTES) {
      return `${field} has ${bytes} bytes, above the ${MAX_ARGUMENT_BYTES} of one argument`;
    }
    total += bytes + 1;
  }
  if (total <= MAX_TOTAL_BYTES) return undefined;
  return `${path} has ${total} bytes of arguments and variables, above ${MAX_TOTAL_BYTES}`;
}

function findHttpDefect(http: unknown, path: string): string | undefined {
  const problem = findPortDefect(http, path);
  if (problem !== undefined || !isRecord(http)) return problem;
  const { scheme, path: target } = http;
  if (scheme !== undefined && scheme !== 'http' && scheme !== 'https') {
    return `${path}.scheme is ${JSON.stringify(scheme)}, not http or https`;
  }
  if (target !== undefined && !(typeof target === 'string' && target.startsWith('/'))) {
    return `${path}.path is ${JSON.stringify(target)}, which does not begin with /`;
  }
  return undefined;
}

function findPortDefect(holder: unknown, path: string): string | undefined {
  if (!isRecord(holder)) return `${path} is required`;
  const given = holder['port'];
  const { protocol } = holder;
  if (protocol !== undefined && protocol !== 'IPV4' && protocol !== 'IPV6') {
    return `${path}.protocol is ${JSON.stringify(protocol)}, not IPV4 or IPV6`;
  }
  // A check is passed on as it came: what stands here need not even convert to a text.
  const isText = typeof given === 'string' || typeof given === 'number';
  const port = isText ? Number(given) : Number.NaN;
  if (Number.isInteger(port) && port >= 1 && port <= MAX_PORT) return undefined;
  const shown = isText ? String(given).slice(0, 20) : nameOf(given);
  return `${path}.port is ${shown}, not within 1 and ${MAX_PORT}`;
}

const nameOf = (given: unknown): string => {
  if (given === undefined) return 'absent';
  return typeof given === 'object' ? 'an object' : `a ${typeof given}`;
};

const MAX_PORT = 65_535;

const isRecord = (input: unknown): input is Readonly<Record<string, unknown>> =>
  typeof input === 'object' && input !== null && !Array.isArray(input);
