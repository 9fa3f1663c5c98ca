import type { InstanceId } from '#core';
import { toIsoTime, toWireStep, type WireChangePreview } from '#marathon-v2';
import type { AppPreview, ChangePreview } from '../engine/change-preview.port.js';

/** Instances named in one answer at most; all are counted. */
const MAX_NAMED_INSTANCES = 1_000;

/** What a dry run answers. */
export function describePreview(
  preview: ChangePreview,
  warnings: readonly string[],
): WireChangePreview {
  let left = MAX_NAMED_INSTANCES;
  const name = (ids: readonly InstanceId[]) => {
    const instances = ids.slice(0, left);
    left -= instances.length;
    return { count: ids.length, instances };
  };
  return {
    dryRun: true,
    steps: preview.steps.map(toWireStep),
    apps: preview.apps.map((app) => ({
      app: app.app,
      change: app.change,
      fields: app.fields,
      instances: { before: app.instancesBefore, after: app.instancesAfter },
      kills: name(app.kills),
      keeps: name(app.keeps),
      launches: describeLaunches(app),
    })),
    conflicts: preview.conflicts.map((id) => ({ id })),
    ...(preview.refusal === undefined ? {} : { refusal: preview.refusal }),
    warnings: [...new Set([...warnings, ...(preview.holds ?? [])])],
  };
}

function describeLaunches({
  launches: count,
  placement,
}: AppPreview): WireChangePreview['apps'][number]['launches'] {
  if (placement === undefined) return { count };
  const { placements, unplaced, refusals, offers, sinceEpochMs } = placement;
  return {
    count,
    offers,
    ...(sinceEpochMs === undefined ? {} : { offersSince: toIsoTime(sinceEpochMs) }),
    placements: placements.map(({ agentId, hostname, count: placed }) => ({
      agentId,
      host: hostname,
      count: placed,
    })),
    unplaced,
    reasons:
      offers === 0
        ? ['no offer known']
        : refusals.map(
            ({ reason, detail, offers: alike }) =>
              `${alike} of ${offers} offers: ${reason} (${detail})`,
          ),
  };
}
