import {
  type App,
  type AppId,
  groupId,
  type Instance,
  type InstanceId,
  instanceId,
  isPod,
  present,
  taskId,
} from '#core';
import { type MatchedLaunch, mix, persistentVolumesOf } from '#matcher';
import type { Draft } from './draft.js';
import type { EngineContext } from './engine-context.js';
import { toPlacement } from './matchable-offer.js';
import type { Launched, OpenOffer, PreparedLaunch } from './offer-round.js';
import { buildTaskGroup } from './pod-launch.js';
import { makeReservation, type NewReservation } from './reservations.js';
import { safePath } from './safe-path.js';
import { buildTaskInfo, type TaskSource, taskPorts } from './task-info.js';
import { failedBefore } from './workloads.js';

/** A container port of 0 without a host port becomes one from here upwards. */
const FIRST_USER_PORT = 1025;
const USER_PORTS = 64_000;

/** A new instance of an app, and what is launched for it. */
export function prepareLaunch(
  context: EngineContext,
  draft: Draft,
  target: OpenOffer,
  launch: MatchedLaunch,
): PreparedLaunch {
  const { app } = launch;
  const id = instanceId(`${safePath(app.id)}.instance-${context.ports.newId()}`);
  const placement = toPlacement(target.wire, target.offer);
  const resident = reserveNew(context, draft, launch, id);
  const instance: Instance = {
    id,
    appId: app.id,
    appVersion: app.version,
    incarnation: 1,
    ...tasksOfNew(app, id, draft.now.epochMs),
    goal: 'Running',
    condition: 'Provisioned',
    sinceEpochMs: draft.now.epochMs,
    createdAtEpochMs: draft.now.epochMs,
    stagedAtEpochMs: draft.now.epochMs,
    placement,
    ...(resident === undefined ? {} : { reservation: resident.reservation }),
    hostPorts: launch.hostPorts,
    ipAddresses: [],
    ...failedBefore(draft, app),
  };
  const { taken } = launch;
  const taking = resident === undefined ? { taken } : { taken: [], reserved: resident.reserved };
  const made = describeLaunch(context, draft, { app, instance, placement, ...taking });
  const operations = resident === undefined ? {} : { operations: resident.operations };
  return { app, instance, made, ...operations };
}

/** What is launched of an instance as it is now. */
export function describeLaunch(
  context: EngineContext,
  draft: Draft,
  source: Omit<TaskSource, 'isRoleEnforced' | 'ports'>,
): Launched {
  const { app, instance } = source;
  const seed = context.memory.launchSeed;
  const ports = taskPorts(
    app,
    instance.hostPorts,
    (index) => FIRST_USER_PORT + (mix(seed + index) % USER_PORTS),
  );
  const complete = { ...source, isRoleEnforced: isRoleEnforced(draft, app.id), ports };
  return isPod(app)
    ? { kind: 'group', group: buildTaskGroup({ ...complete, app }) }
    : { kind: 'task', info: buildTaskInfo(complete) };
}

/** One task, or one for each container of a pod. */
function tasksOfNew(
  app: App,
  id: InstanceId,
  sinceEpochMs: number,
): Pick<Instance, 'taskId' | 'podTasks'> {
  if (!isPod(app)) return { taskId: taskId(`${id}._app.1`) };
  const podTasks = app.pod.containers.map(({ name }) => ({
    container: name,
    taskId: taskId(`${id}.${name}.1`),
    condition: 'Provisioned' as const,
    sinceEpochMs,
  }));
  return { taskId: present(podTasks[0], `pod ${app.id} has containers`).taskId, podTasks };
}

export function isRoleEnforced(draft: Draft, id: AppId): boolean {
  const [, top = ''] = id.split('/');
  return draft.root.groups.get(groupId(`/${top}`))?.enforceRole ?? false;
}

/** What a resident app's new instance has reserved for it first. */
function reserveNew(
  { ports, options }: EngineContext,
  draft: Draft,
  { app, taken }: MatchedLaunch,
  id: InstanceId,
): NewReservation | undefined {
  if (persistentVolumesOf(app).length === 0) return undefined;
  return makeReservation({
    ...{ app, taken, instanceId: id, safePath: safePath(app.id), newId: ports.newId },
    frameworkId: draft.frameworkId ?? '',
    ...(options.principal === undefined ? {} : { principal: options.principal }),
  });
}
