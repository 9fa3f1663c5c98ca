import { type AppId, groupId, type Instance, type InstanceId, instanceId, taskId } from '#core';
import { type MatchedLaunch, mix, persistentVolumesOf } from '#matcher';
import type { TaskInfo } from '#mesos-v1';
import type { Draft } from './draft.js';
import type { EngineContext } from './engine-context.js';
import { toPlacement } from './matchable-offer.js';
import type { OpenOffer, PreparedLaunch } from './offer-round.js';
import { makeReservation, type NewReservation } from './reservations.js';
import { safePath } from './safe-path.js';
import { buildTaskInfo, type TaskSource, taskPorts } from './task-info.js';
import { failedBefore } from './workloads.js';

/** A container port of 0 without a host port becomes one from here upwards. */
const FIRST_USER_PORT = 1025;
const USER_PORTS = 64_000;

/** A new instance of an app, and its task. */
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
    taskId: taskId(`${id}._app.1`),
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
  const info = describeTask(context, draft, { app, instance, placement, ...taking });
  const operations = resident === undefined ? {} : { operations: resident.operations };
  return { app, instance, info, ...operations };
}

/** The task of an instance as it is launched now. */
export function describeTask(
  context: EngineContext,
  draft: Draft,
  source: Omit<TaskSource, 'isRoleEnforced' | 'ports'>,
): TaskInfo {
  const { app, instance } = source;
  const seed = context.memory.launchSeed;
  const ports = taskPorts(
    app,
    instance.hostPorts,
    (index) => FIRST_USER_PORT + (mix(seed + index) % USER_PORTS),
  );
  return buildTaskInfo({ ...source, isRoleEnforced: isRoleEnforced(draft, app.id), ports });
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
