import type { CommandInfo, TaskInfo, WireHealthCheck } from '#mesos-v1';

/** Rules of `health_check` and `check`; each function names the first one broken, or undefined. */

/** Old messages have no `type`: what they carry says it. */
export function findHealthCheckDefect(check: WireHealthCheck | undefined): string | undefined {
  if (check === undefined) return undefined;
  const negative = findNegative(check, 'health_check');
  if (negative !== undefined) return negative;
  const type = check.type ?? inferType(check);
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
  const negative = findNegative(check, 'check');
  if (negative !== undefined) return negative;
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

const inferType = (check: WireHealthCheck): WireHealthCheck['type'] => {
  if (check.http !== undefined) return 'HTTP';
  if (check.tcp !== undefined) return 'TCP';
  return check.command === undefined ? undefined : 'COMMAND';
};

function findNegative(check: object, path: string): string | undefined {
  for (const [name, value] of Object.entries(check)) {
    if (typeof value === 'number' && value < 0) return `${path}.${name} is ${value}, below 0`;
  }
  return undefined;
}

function findCommandDefect(command: CommandInfo | unknown, path: string): string | undefined {
  if (!isRecord(command)) return `${path} is required`;
  const { value, environment } = command;
  if (typeof value !== 'string' || value === '') return `${path}.value is required`;
  const variables = isRecord(environment) ? environment['variables'] : undefined;
  if (variables !== undefined && !Array.isArray(variables)) {
    return `${path}.environment.variables is not a list`;
  }
  return undefined;
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
  // A check is passed on as it came: what stands here need not even convert to a text.
  const isText = typeof given === 'string' || typeof given === 'number';
  const port = isText ? Number(given) : Number.NaN;
  if (Number.isInteger(port) && port >= 1 && port <= MAX_PORT) return undefined;
  const shown = isText ? String(given).slice(0, 20) : nameOf(given);
  return `${path}.port is ${shown}, not within 1 and ${MAX_PORT}`;
}

const nameOf = (given: unknown): string => {
  if (given === undefined) return 'absent';
  return typeof given === 'object' ? 'an object' : typeof given;
};

const MAX_PORT = 65_535;

const isRecord = (input: unknown): input is Readonly<Record<string, unknown>> =>
  typeof input === 'object' && input !== null && !Array.isArray(input);
