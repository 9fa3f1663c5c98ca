import type { AppId, Deployment, DeploymentEvent, DeploymentHistory } from '#core';
import { toIsoTime } from './iso-time.js';
import { definedFields } from './object-reader.js';
import type { WireDeployment, WireDeploymentDetails, WireDeploymentEvent } from './wire-app.js';

type Story = Pick<
  WireDeployment,
  'state' | 'reason' | 'by' | 'startedAt' | 'finishedAt' | 'limits' | 'deadline' | 'failures'
> &
  Pick<WireDeployment, 'paused' | 'awaitsPromotion' | 'rollbackOf' | 'rolledBackBy' | 'phases'>;

/** How a deployment came about, what holds it, and how it ended. Older rows say less. */
export const toWireStory = (deployment: Deployment): Story => ({
  state: deployment.state,
  startedAt: toIsoTime(deployment.startedAtEpochMs),
  ...definedFields({
    finishedAt: maybeTime(deployment.finishedAtEpochMs),
    reason: deployment.reason,
    by: deployment.by,
    limits: deployment.limits,
    deadline: maybeTime(deployment.deadlineEpochMs),
    failures: deployment.failures,
    paused: toWirePause(deployment.pause),
    awaitsPromotion: toWaits(deployment.progress),
    rollbackOf: deployment.rollbackOf,
    rolledBackBy: deployment.rolledBackBy,
    phases: deployment.phases?.map((phase) => ({
      step: phase.step + 1,
      startedAt: toIsoTime(phase.startedAtEpochMs),
      ...definedFields({ finishedAt: maybeTime(phase.finishedAtEpochMs) }),
    })),
  }),
});

/** A deployment and what is kept of its story. */
export const toWireDetails = (
  deployment: WireDeployment,
  { events, omitted }: DeploymentHistory,
): WireDeploymentDetails => ({
  ...deployment,
  events: events.map(toWireDeploymentEvent),
  omittedEvents: omitted,
});

const toWireDeploymentEvent = ({
  kind,
  atEpochMs,
  ...rest
}: DeploymentEvent): WireDeploymentEvent => ({
  kind,
  timestamp: toIsoTime(atEpochMs),
  ...rest,
});

const maybeTime = (epochMs: number | undefined): string | undefined =>
  epochMs === undefined ? undefined : toIsoTime(epochMs);

function toWirePause(pause: Deployment['pause']): WireDeployment['paused'] {
  if (pause === undefined) return undefined;
  const { sinceEpochMs, by, afterBatch } = pause;
  return { since: toIsoTime(sinceEpochMs), ...definedFields({ by, afterBatch }) };
}

function toWaits(progress: Deployment['progress'] = {}): WireDeployment['awaitsPromotion'] {
  const waits = (Object.keys(progress) as AppId[]).flatMap((app) => {
    const { canaryWaitsSinceEpochMs: since, isPromoted } = progress[app] ?? {};
    return since === undefined || isPromoted === true ? [] : [{ app, since: toIsoTime(since) }];
  });
  return waits.length === 0 ? undefined : waits;
}
