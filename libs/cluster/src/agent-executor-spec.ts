import {
  type LaunchSpec,
  type RunKey,
  frameworkId as toFrameworkId,
  taskId as toTaskId,
} from '#core';
import type { ExecutorInfo, FrameworkInfo } from '#mesos-v1';
import type { ExecutorLimits } from './agent-executor.js';
import {
  CONTAINER_SANDBOX,
  type LaunchSite,
  launcherKindOf,
  terminalOf,
  toCommand,
  toDockerSpec,
  withVolumes,
} from './agent-launch-spec.js';
import { readRlimits } from './agent-rlimits.js';

/** What the host adds to an executor's definition. */
export interface ExecutorSite extends LaunchSite {
  readonly run: RunKey;
  /** Where the agent's API is reached from its tasks: `ip:port`. */
  readonly endpoint: string;
  readonly shutdownGraceMs: number;
  readonly reregistrationMs: number;
}

/** Mesos' default: how long an executor waits for an agent that is away. */
const RECOVERY_TIMEOUT = '15mins';
const MS_PER_NS = 1e-6;
/** Units a client of Mesos reads, largest first, in milliseconds. */
const UNITS: readonly (readonly [name: string, ms: number])[] = [
  ['weeks', 7 * 24 * 3_600_000],
  ['days', 24 * 3_600_000],
  ['hrs', 3_600_000],
  ['mins', 60_000],
  ['secs', 1_000],
  ['ms', 1],
  ['us', 1e-3],
];

/** Turns an executor without a defect into what a launcher needs. */
export function toExecutorSpec(
  given: {
    readonly executor: ExecutorInfo;
    readonly framework: FrameworkInfo;
    readonly limits: ExecutorLimits;
  },
  site: ExecutorSite,
): LaunchSpec {
  const { executor, framework, limits } = given;
  const docker = withVolumes(toDockerSpec(executor), executor, site);
  const user = executor.command?.user;
  const read = readRlimits(executor);
  const rlimits = read.kind === 'read' ? read.rlimits : [];
  return {
    run: site.run,
    taskId: toTaskId(executor.executor_id.value),
    frameworkId: toFrameworkId(site.frameworkId),
    sandbox: site.sandbox,
    runtimeDirectory: site.runtimeDirectory,
    command: toCommand(executor.command),
    environment: toExecutorEnvironment(executor, framework, site),
    ...(user ? { user } : {}),
    ...limits,
    ...(rlimits.length > 0 ? { rlimits } : {}),
    ...terminalOf(executor),
    ...(docker ? { docker } : {}),
  };
}

/** Mesos' environment of an executor; what the framework sets itself wins, but for what the agent is found by. */
function toExecutorEnvironment(
  executor: ExecutorInfo,
  framework: FrameworkInfo,
  site: ExecutorSite,
): Readonly<Record<string, string>> {
  const isContainer = launcherKindOf(executor) === 'docker';
  const own: Record<string, string> = {};
  for (const { name, value } of executor.command?.environment?.variables ?? []) {
    own[name] = value ?? '';
  }
  return {
    ...(isContainer ? {} : { PATH: site.searchPath, HOME: site.sandbox }),
    HOST: site.hostname,
    LIBPROCESS_PORT: '0',
    ...own,
    MESOS_FRAMEWORK_ID: site.frameworkId,
    MESOS_EXECUTOR_ID: executor.executor_id.value,
    MESOS_DIRECTORY: site.sandbox,
    MESOS_SANDBOX: isContainer ? CONTAINER_SANDBOX : site.sandbox,
    MESOS_SLAVE_ID: site.agentId,
    MESOS_AGENT_ID: site.agentId,
    MESOS_SLAVE_PID: `slave(1)@${site.endpoint}`,
    MESOS_AGENT_ENDPOINT: site.endpoint,
    MESOS_HTTP_COMMAND_EXECUTOR: '0',
    MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD: toMesosDuration(site.shutdownGraceMs),
    MESOS_CHECKPOINT: framework.checkpoint === true ? '1' : '0',
    ...(framework.checkpoint === true
      ? {
          MESOS_RECOVERY_TIMEOUT: RECOVERY_TIMEOUT,
          MESOS_SUBSCRIPTION_BACKOFF_MAX: toMesosDuration(site.reregistrationMs),
        }
      : {}),
  };
}

/** In the largest unit that leaves a whole number: `5secs`, `1500ms`. */
export function toMesosDuration(ms: number): string {
  const whole = Math.max(0, Math.round(ms * 1_000) / 1_000);
  const [name, size] = UNITS.find(([, unit]) => whole >= unit && isWhole(whole / unit)) ?? [
    'ns',
    MS_PER_NS,
  ];
  return `${Math.round(whole / size)}${name}`;
}

const isWhole = (value: number): boolean => Math.abs(value - Math.round(value)) < 1e-9;
