import { type App, isSameValue } from '#core';
import {
  type ControllerAbilities,
  canTakeOverCheck,
  canTakeOverHealthChecks,
} from './carried-checks.js';

/** What another value of a field asks for: new instances, nothing but the definition, or another count. */
export type FieldChange = 'restart' | 'in-place' | 'scale';

type FieldRule =
  | FieldChange
  /** Identity, or written by the server: never compared. */
  | 'not-compared'
  | ((before: App, after: App, abilities: ControllerAbilities) => FieldChange);

const restartUnless = (isInPlace: boolean): FieldChange => (isInPlace ? 'in-place' : 'restart');

const launchedOf = ({ pod }: App): unknown => pod && [pod.containers, pod.volumes];

/**
 * What a change of each field of an app does to its instances. What a task is made from needs a new task; what the
 * controller alone acts by does not. A new field of App does not compile until it is decided here.
 */
export const APP_FIELD_RULES: { readonly [Field in keyof Required<App>]: FieldRule } = {
  id: 'not-compared',
  version: 'not-compared',
  versionInfo: 'not-compared',
  instances: 'scale',

  cmd: 'restart',
  args: 'restart',
  user: 'restart',
  env: 'restart',
  secrets: 'restart',
  cpus: 'restart',
  mem: 'restart',
  disk: 'restart',
  gpus: 'restart',
  resourceLimits: 'restart',
  executor: 'restart',
  executorResources: 'restart',
  fetch: 'restart',
  container: 'restart',
  networks: 'restart',
  portDefinitions: 'restart',
  requirePorts: 'restart',
  tty: 'restart',
  workload: 'restart',
  // Where an instance may be: those that run may break the new rule, and only a new one is placed by it.
  constraints: 'restart',
  acceptedResourceRoles: 'restart',
  role: 'restart',

  labels: 'in-place',
  dependencies: 'in-place',
  readinessChecks: 'in-place',
  backoffSeconds: 'in-place',
  backoffFactor: 'in-place',
  maxLaunchDelaySeconds: 'in-place',
  upgradeStrategy: 'in-place',
  killSelection: 'in-place',
  unreachableStrategy: 'in-place',
  residency: 'in-place',
  rollout: 'in-place',
  // Counts at the next failure. A run that is over, finished or failed, stays so: only a restart is another run.
  maxRetries: 'in-place',
  healthChecks: (before, after, abilities) =>
    restartUnless(canTakeOverHealthChecks(before, after, abilities)),
  check: (_before, after, abilities) => restartUnless(canTakeOverCheck(after, abilities)),
  // How many instances it may have says nothing about them.
  pod: (before, after) => restartUnless(isSameValue(launchedOf(before), launchedOf(after))),
  // KILL carries the new one. It cannot say "the agent's default" to a task that has one of its own.
  taskKillGracePeriodSeconds: (_before, after) =>
    restartUnless(after.taskKillGracePeriodSeconds !== undefined),
};
