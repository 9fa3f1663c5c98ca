import type { MasterAgent } from '#cluster';

/** What reads of both forms tell of an agent that an operator took out of use. */
export function viewActivation(agent: Pick<MasterAgent, 'activation'>): object {
  const { activation } = agent;
  const drain = activation?.drain;
  return {
    deactivated: activation !== undefined,
    ...(drain === undefined
      ? {}
      : {
          drain_info: {
            state: drain.state,
            config: {
              ...(drain.maxGraceMs === undefined
                ? {}
                : { max_grace_period: { nanoseconds: drain.maxGraceMs * 1_000_000 } }),
              mark_gone: drain.isMarkedGone,
            },
          },
          estimated_drain_start_time: { nanoseconds: drain.startedEpochMs * 1_000_000 },
        }),
  };
}

/** Connected, and in use. */
export const isActive = (agent: Pick<MasterAgent, 'activation' | 'condition'>): boolean =>
  agent.condition === 'connected' && agent.activation === undefined;
