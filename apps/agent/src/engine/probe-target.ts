import { type CheckSubject, checkOf, healthCheckType } from '#cluster';
import type { InsideNetwork, LaunchedTask, Launcher, ProbeTarget, RunKey } from '#core';
import type { CommandInfo, TaskInfo, WireHealthCheck } from '#mesos-v1';

const LOOPBACK = '127.0.0.1';
const IPV6_LOOPBACK = '::1';
/** Redirects followed before a check has failed. */
const MAX_REDIRECTS = 10;

/** What is probed, or why nothing can be. */
export type FoundTarget =
  | { readonly ok: true; readonly target: ProbeTarget }
  | { readonly ok: false; readonly reason: string };

interface TaskPlace {
  readonly run: RunKey;
  readonly launched?: LaunchedTask;
  readonly launcher: Launcher;
}

/**
 * What a task's health check or check probes, as Mesos does from inside the task's network: loopback. A container with a
 * network of its own is asked at its address there first, which costs no process; one that has none, or that refuses at it
 * because it listens on loopback only, from inside.
 */
export function toProbeTarget(task: TaskInfo, subject: CheckSubject, at: TaskPlace): FoundTarget {
  const check = subject === 'health' ? task.health_check : checkOf(task);
  if (!check) return nothing;
  switch (subject === 'health' ? healthCheckType(check as WireHealthCheck) : check.type) {
    case 'HTTP': {
      if (!check.http) return nothing;
      const { scheme, port, path, protocol } = check.http;
      return withHost(task, protocol, at, (place) => ({
        kind: 'http',
        scheme: scheme === 'https' ? 'https' : 'http',
        ...place,
        port: Number(port),
        path: path || '/',
        maxRedirects: MAX_REDIRECTS,
      }));
    }
    case 'TCP': {
      if (!check.tcp) return nothing;
      const { port, protocol } = check.tcp;
      return withHost(task, protocol, at, (place) => ({
        kind: 'tcp',
        ...place,
        port: Number(port),
      }));
    }
    default: {
      const command = commandOf(check.command);
      return command === undefined ? nothing : { ok: true, target: toCommandTarget(command, at) };
    }
  }
}

const nothing: FoundTarget = { ok: false, reason: 'the check names nothing that can be probed' };

/** A health check has its command at once, a check one below. */
const commandOf = (
  given: CommandInfo | { readonly command: CommandInfo } | undefined,
): CommandInfo | undefined => (given !== undefined && 'command' in given ? given.command : given);

function withHost(
  task: TaskInfo,
  protocol: 'IPV4' | 'IPV6' | undefined,
  { run, launched, launcher }: TaskPlace,
  toTarget: (place: { readonly host: string; readonly inside?: InsideNetwork }) => ProbeTarget,
): FoundTarget {
  const isIpv6 = protocol === 'IPV6';
  const host = isIpv6 ? IPV6_LOOPBACK : LOOPBACK;
  if (!hasOwnNetwork(task)) return { ok: true, target: toTarget({ host }) };
  const address = isIpv6 ? launched?.ipv6Address : launched?.ipAddress;
  const dial = launcher.dial?.bind(launcher, run);
  if (dial === undefined) {
    return address === undefined
      ? { ok: false, reason: `the container has no ${isIpv6 ? 'IPv6' : 'IPv4'} address` }
      : { ok: true, target: toTarget({ host: address }) };
  }
  const inside = { host, dial, always: address === undefined };
  return { ok: true, target: toTarget({ host: address ?? host, inside }) };
}

/** That of a member of a group is its executor's. */
const hasOwnNetwork = ({ container, executor }: TaskInfo): boolean =>
  executor === undefined
    ? container?.docker !== undefined && (container.docker.network ?? 'HOST') !== 'HOST'
    : (executor.container?.network_infos ?? []).length > 0;

function toCommandTarget(command: CommandInfo, at: TaskPlace): ProbeTarget {
  const variables = command.environment?.variables ?? [];
  const environment = Object.fromEntries(variables.map(({ name, value }) => [name, value ?? '']));
  return {
    kind: 'command',
    run: (timeoutMs) => at.launcher.execute(at.run, toWords(command), { timeoutMs, environment }),
  };
}

/** A text for a shell, or the program and its arguments: the first one given is the program's own name. */
const toWords = ({
  shell,
  value,
  arguments: list = [],
}: CommandInfo): string | readonly string[] =>
  shell === false ? [...(value ? [value] : list.slice(0, 1)), ...list.slice(1)] : (value ?? 'true');
