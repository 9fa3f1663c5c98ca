import { type HealthCheck, isHostNetworking, type ReadinessCheck } from '#core';
import type { Definition } from './complete-app.js';
import { MAX_INT } from './object-reader.js';
import { checkPort, checkRange, type Report } from './rule-report.js';

/** Health, readiness and generic checks against the app's ports. */
export function validateChecks(app: Definition, report: Report): void {
  const portNames = isHostNetworking(app.networks)
    ? app.portDefinitions.map((definition) => definition.name)
    : (app.container?.portMappings ?? []).map((mapping) => mapping.name);
  app.healthChecks.forEach((check, index) => {
    validateHealthCheck(check, portNames.length, `/healthChecks(${index})`, report);
    if (check.ipProtocol === 'IPv6' && !isAgentNetworkCheckInDocker(check, app)) {
      report(
        `/healthChecks(${index})/ipProtocol`,
        'IPv6 is for MESOS_* checks of a DOCKER container only',
      );
    }
  });
  validateTogether(app.healthChecks, report);
  if (app.readinessChecks.length > 1) {
    report('/readinessChecks', `${app.readinessChecks.length} are given, at most 1 is possible`);
  }
  app.readinessChecks.forEach((check, index) => {
    validateReadinessCheck(check, portNames, `/readinessChecks(${index})`, report);
  });
  if (app.check !== undefined) validateCheck(app, app.check, portNames.length, report);
}

const isAgentNetworkCheckInDocker = (check: HealthCheck, app: Definition): boolean =>
  check.protocol.startsWith('MESOS_') && app.container?.type === 'DOCKER';

function validateHealthCheck(
  check: HealthCheck,
  portCount: number,
  path: string,
  report: Report,
): void {
  for (const name of ['gracePeriodSeconds', 'maxConsecutiveFailures', 'delaySeconds'] as const) {
    if (check[name] < 0) report(`${path}/${name}`, `${check[name]} is below the minimum 0`);
  }
  for (const name of ['intervalSeconds', 'timeoutSeconds'] as const) {
    if (check[name] < 1) report(`${path}/${name}`, `${check[name]} is below the minimum 1`);
  }
  if (check.protocol === 'COMMAND') {
    if (check.command === undefined) report(`${path}/command`, 'must be given for COMMAND');
    return;
  }
  if (check.command !== undefined) report(`${path}/command`, 'is for protocol COMMAND only');
  if (check.path !== undefined) {
    if (check.protocol.endsWith('TCP')) report(`${path}/path`, 'is not for a TCP check');
    // Ends up in a request line: no spaces or line breaks may get there.
    // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly these are refused
    else if (/[\s\x00-\x1f\x7f]/.test(check.path)) {
      report(`${path}/path`, `'${check.path}' must not hold spaces or control characters`);
    }
  }
  validatePortReference(check, portCount, path, report);
}

/** One port at most, and it must exist. */
function validatePortReference(
  check: { readonly port?: number; readonly portIndex?: number },
  portCount: number,
  path: string,
  report: Report,
): void {
  const { port, portIndex } = check;
  checkPort(port, `${path}/port`, report);
  if (port !== undefined && portIndex !== undefined) {
    report(path, 'must have either port or portIndex, not both');
  }
  if (port === undefined && portIndex === undefined) {
    report(path, 'must have port or portIndex, as the app has no ports');
  }
  if (portIndex !== undefined && (portIndex < 0 || portIndex >= portCount)) {
    report(`${path}/portIndex`, `${portIndex} does not exist: the app has ${portCount} ports`);
  }
}

/** One check can ride on a task; commands are run by the agent one by one. */
function validateTogether(checks: readonly HealthCheck[], report: Report): void {
  const onAgent = checks.filter((check) => check.protocol.startsWith('MESOS_'));
  const commands = checks.filter((check) => check.protocol === 'COMMAND');
  if (onAgent.length > 1 || (onAgent.length === 1 && commands.length > 0)) {
    report('/healthChecks', 'at most one MESOS_* or COMMAND check is possible');
  }
  const seen = new Set<string>();
  checks.forEach((check, index) => {
    const text = JSON.stringify(Object.entries(check).sort());
    if (seen.has(text)) report(`/healthChecks(${index})`, 'is given twice');
    seen.add(text);
  });
}

function validateReadinessCheck(
  check: ReadinessCheck,
  portNames: readonly (string | undefined)[],
  path: string,
  report: Report,
): void {
  if (!portNames.includes(check.portName)) {
    report(`${path}/portName`, `'${check.portName}' is not the name of one of the app's ports`);
  }
  if (check.timeoutSeconds < 1) {
    report(`${path}/timeoutSeconds`, `${check.timeoutSeconds} is below the minimum 1`);
  }
  if (check.timeoutSeconds >= check.intervalSeconds) {
    report(
      `${path}/timeoutSeconds`,
      `${check.timeoutSeconds} must be below intervalSeconds ${check.intervalSeconds}`,
    );
  }
  if (check.httpStatusCodesForReady.length === 0) {
    report(`${path}/httpStatusCodesForReady`, 'must not be empty');
  }
  check.httpStatusCodesForReady.forEach((status, index) => {
    if (status < 100 || status > 999) {
      report(`${path}/httpStatusCodesForReady(${index})`, `${status} is not an HTTP status`);
    }
  });
}

const CHECK_TIMES = [
  ['intervalSeconds', 1],
  ['timeoutSeconds', 1],
  ['delaySeconds', 0],
] as const;

function validateCheck(
  app: Definition,
  check: Readonly<Record<string, unknown>>,
  portCount: number,
  report: Report,
): void {
  if (app.container?.type === 'DOCKER') report('/check', 'is not possible for a DOCKER container');
  const kinds = ['http', 'tcp', 'exec'].filter((kind) => check[kind] !== undefined);
  if (kinds.length !== 1) report('/check', 'must have exactly one of http, tcp and exec');
  for (const [name, from] of CHECK_TIMES) {
    checkRange(check[name] as number | undefined, { from, to: MAX_INT }, `/check/${name}`, report);
  }
  for (const kind of kinds) {
    if (kind === 'exec') {
      validateExec(check[kind], report);
      continue;
    }
    const reference = check[kind] as { readonly port?: number; readonly portIndex?: number };
    if (reference.port === undefined && reference.portIndex === undefined && portCount > 0)
      continue;
    validatePortReference(reference, portCount, `/check/${kind}`, report);
  }
}

/** A text for a shell, or a program with its arguments. */
function validateExec(exec: unknown, report: Report): void {
  const { command } = (exec ?? {}) as { readonly command?: unknown };
  const { shell, argv } = (command ?? {}) as { readonly shell?: unknown; readonly argv?: unknown };
  const isShell = typeof shell === 'string' && shell !== '' && argv === undefined;
  const isArgv =
    Array.isArray(argv) &&
    argv.length > 0 &&
    shell === undefined &&
    argv.every((word) => typeof word === 'string');
  if (isShell || isArgv) return;
  report('/check/exec/command', 'must have either shell, a text, or argv, a list of texts');
}
