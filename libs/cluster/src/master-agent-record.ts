import type { AgentId, AgentRecord, RegistryChange } from '#core';
import type { AgentInfo } from '#mesos-v1';

/** What the registry is to hold of an agent from now on. `info` has the agent's id. */
export const putAgent = (
  { id, info }: { readonly id: AgentId; readonly info: AgentInfo },
  state: AgentRecord['state'],
  sinceEpochMs: number,
): RegistryChange => ({
  kind: 'put-agent',
  agent: { id, state, hostname: info.hostname, info, sinceEpochMs },
});
