import type { Launcher, ProbeTarget, RunKey } from '#core';
import type { CommandInfo, TaskInfo } from '#mesos-v1';

const LOOPBACK = '127.0.0.1';

/**
 * What a task's health check probes. A container with an address of its own is probed there, any other task on
 * loopback, as Mesos does from inside the task's network. Undefined: the check names nothing that can be probed.
 */
export function toProbeTarget(
  task: TaskInfo,
  at: { readonly run: RunKey; readonly ipAddress?: string; readonly launcher: Launcher },
): ProbeTarget | undefined {
  const check = task.health_check;
  if (!check) return undefined;
  const host = at.ipAddress ?? LOOPBACK;
  const type = check.type ?? (check.http ? 'HTTP' : check.tcp ? 'TCP' : 'COMMAND');
  if (type === 'HTTP' && check.http) {
    const { scheme, port, path } = check.http;
    return {
      kind: 'http',
      scheme: scheme === 'https' ? 'https' : 'http',
      host,
      port: Number(port),
      path: path || '/',
    };
  }
  if (type === 'TCP' && check.tcp) return { kind: 'tcp', host, port: Number(check.tcp.port) };
  if (type !== 'COMMAND' || !check.command) return undefined;
  const text = toShellText(check.command);
  return { kind: 'command', run: (timeoutMs) => at.launcher.execute(at.run, text, { timeoutMs }) };
}

/** The command as a shell reads it: argument lists are quoted word by word. */
function toShellText(command: CommandInfo): string {
  if (command.shell !== false) return command.value ?? 'true';
  const [, ...rest] = command.arguments ?? [];
  const words = command.value ? [command.value, ...rest] : (command.arguments ?? []);
  return words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
}
