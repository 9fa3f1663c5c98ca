/** What a task's checks are to the agent that runs them, and what it says of them. */
import type { App, HealthCheck } from '#core';
import type { WireCheckResult } from '#marathon-v2';
import type { CommandInfo, TaskStatus, WireCheck, WireHealthCheck } from '#mesos-v1';
import type { TaskPort } from './task-environment.js';

/** The agent reports health and never kills: the controller decides. */
export const NEVER_KILL = 0xffffffff;

/** Probed from inside the task's network: a container of its own address is asked on its own port. */
export function toWireHealthCheck(
  app: App,
  check: HealthCheck,
  ports: readonly TaskPort[],
): WireHealthCheck {
  const timing = {
    delay_seconds: check.delaySeconds,
    interval_seconds: check.intervalSeconds,
    timeout_seconds: check.timeoutSeconds,
    grace_period_seconds: check.gracePeriodSeconds,
    consecutive_failures: NEVER_KILL,
  };
  if (check.protocol === 'COMMAND') {
    const value = check.command?.value ?? 'true';
    return { type: 'COMMAND', command: { shell: true, value }, ...timing };
  }
  const port = portOf(app, check, ports);
  const protocol = check.ipProtocol === 'IPv6' ? 'IPV6' : 'IPV4';
  if (check.protocol === 'MESOS_TCP') return { type: 'TCP', tcp: { port, protocol }, ...timing };
  const scheme = check.protocol === 'MESOS_HTTPS' ? 'https' : 'http';
  return { type: 'HTTP', http: { port, path: check.path ?? '/', scheme, protocol }, ...timing };
}

/** An app's `check` as it was read and checked when the app was declared. */
export interface DeclaredCheck {
  readonly http?: PortReference & { readonly path?: string; readonly scheme?: string };
  readonly tcp?: PortReference;
  readonly exec?: { readonly command?: { readonly shell?: string; readonly argv?: string[] } };
  readonly delaySeconds?: number;
  readonly intervalSeconds?: number;
  readonly timeoutSeconds?: number;
}

interface PortReference {
  readonly port?: number;
  readonly portIndex?: number;
}

/** When a check is run, Marathon's defaults filled in. */
export const checkTimesOf = ({
  delaySeconds = 15,
  intervalSeconds = 60,
  timeoutSeconds = 20,
}: DeclaredCheck): Required<
  Pick<DeclaredCheck, 'delaySeconds' | 'intervalSeconds' | 'timeoutSeconds'>
> => ({ delaySeconds, intervalSeconds, timeoutSeconds });

/** The check that only informs; undefined without one. */
export function toWireCheck(app: App, ports: readonly TaskPort[]): WireCheck | undefined {
  const check: DeclaredCheck | undefined = app.check;
  if (check === undefined) return undefined;
  const times = checkTimesOf(check);
  const timing = {
    delay_seconds: times.delaySeconds,
    interval_seconds: times.intervalSeconds,
    timeout_seconds: times.timeoutSeconds,
  };
  if (check.http !== undefined) {
    const { path = '/', scheme = 'http' } = check.http;
    const port = portOf(app, check.http, ports);
    return { type: 'HTTP', http: { port, path, scheme: scheme.toLowerCase() }, ...timing };
  }
  if (check.tcp !== undefined) {
    return { type: 'TCP', tcp: { port: portOf(app, check.tcp, ports) }, ...timing };
  }
  const command = toCommand(check.exec?.command);
  return command === undefined ? undefined : { type: 'COMMAND', command: { command }, ...timing };
}

function toCommand(
  command: NonNullable<DeclaredCheck['exec']>['command'],
): CommandInfo | undefined {
  if (command?.shell !== undefined) return { shell: true, value: command.shell };
  const [value] = command?.argv ?? [];
  if (value === undefined) return undefined;
  return { shell: false, value, arguments: command?.argv ?? [] };
}

function portOf(app: App, check: PortReference, ports: readonly TaskPort[]): number {
  const declared = ports[check.portIndex ?? 0];
  const isHost = (app.networks[0]?.mode ?? 'host') === 'host';
  const own = isHost ? declared?.port : declared?.requested || declared?.port;
  return check.port ?? own ?? 0;
}

/** What a status says of the check; undefined when it says nothing yet. */
export function toCheckResult({ check_status }: TaskStatus): WireCheckResult | undefined {
  if (typeof check_status !== 'object' || check_status === null) return undefined;
  const { command, http, tcp } = check_status as {
    readonly command?: { readonly exit_code?: number } | null;
    readonly http?: { readonly status_code?: number } | null;
    readonly tcp?: { readonly succeeded?: boolean } | null;
  };
  if (typeof command?.exit_code === 'number') return { command: { exitCode: command.exit_code } };
  if (typeof http?.status_code === 'number') return { http: { statusCode: http.status_code } };
  return typeof tcp?.succeeded === 'boolean' ? { tcp: { succeeded: tcp.succeeded } } : undefined;
}
