import { type AgentEffect, joinChanges } from '#cluster';

/**
 * Which effects make which outdated, while they wait in one lane. The newer one is carried out in the place of the older, so
 * it may come earlier than it was asked for, never later: what is to be on the disk is there sooner, and what was to follow
 * the older one still follows.
 */

/** What an effect is about; undefined: it stands for itself, and nothing takes its place. */
export function supersessionKey(effect: AgentEffect): string | undefined {
  switch (effect.kind) {
    case 'set-timer':
    case 'clear-timer':
      return `timer ${effect.timer}`;
    case 'send-update':
      // A later state must not be told before it is on the disk.
      return `update ${effect.status.uuid} ${effect.latestState}`;
    case 'journal':
      return effect.records.some(({ kind }) => kind === 'kill') ? 'kill record' : undefined;
    case 'send-to-executor':
      return effect.event.type === 'KILL' ? `kill ${effect.event.kill.task_id.value}` : undefined;
    case 'tell-status': {
      const { frameworkId, status, launchId } = effect;
      return `status ${toText([frameworkId, status.task_id.value, launchId])}`;
    }
    case 'send-executor-exit': {
      const { frameworkId, executorId, launchId } = effect;
      return `exit ${toText([frameworkId, executorId, launchId])}`;
    }
    case 'persist-identity':
    case 'watch-pings':
    case 'reconnect':
    case 'resize-executor':
      return effect.kind;
    default:
      return undefined;
  }
}

/** The effect that stands for both, in the place of the older; undefined: the newer one has more to say. */
export function mergeEffects(older: AgentEffect, newer: AgentEffect): AgentEffect | undefined {
  if (older.kind === 'persist-identity' && newer.kind === 'persist-identity') {
    if (older.volumes === undefined) return newer;
    const volumes = joinChanges(older.volumes, newer.volumes ?? { make: [], remove: [] });
    return { ...newer, volumes };
  }
  if (older.kind !== 'journal' || newer.kind !== 'journal') return newer;
  const [kill, ...others] = newer.records;
  if (kill?.kind !== 'kill' || others.length > 0) return undefined;
  const records = older.records.map((record) => (record.kind === 'kill' ? kill : record));
  return { ...older, records };
}

const toText = (parts: readonly unknown[]): string => JSON.stringify(parts);
