import {
  type AgentIdentity,
  resumeVolumes,
  type VolumeChange,
  type VolumeName,
  volumesIn,
} from '#cluster';
import type { AgentEnginePorts } from './agent-engine-ports.js';

/**
 * At a start: finds out what is left to be done to the directories of volumes, and says which are missing. What was on
 * those is gone or elsewhere; a task that has one fails and says so too.
 */
export async function openVolumes(
  { volumes, log }: Pick<AgentEnginePorts, 'volumes' | 'log'>,
  identity: AgentIdentity,
): Promise<VolumeChange> {
  const { change } = resumeVolumes(identity);
  const toBeMade = new Set(change.make.map(nameOf));
  const kept = volumesIn(identity.checkpointedResources ?? []);
  const missing = await volumes.open(kept.filter((volume) => !toBeMade.has(nameOf(volume))));
  for (const volume of missing) {
    log('warn', `persistent volume ${volume.id}: ${volumes.directoryOf(volume)} is missing`);
  }
  return change;
}

const nameOf = ({ role, id }: VolumeName): string => JSON.stringify([role, id]);
