import { type AgentId, type App, type AppId, isDormant } from '#core';
import { delayLeftMs } from '#deployment';
import type { MatchableOffer, Refusal } from '#matcher';
import type { Draft } from './draft.js';
import type { EngineContext } from './engine-context.js';
import { safePath } from './safe-path.js';

/** Agents with an instance of each daemon, in whatever shape, known or not. Grows while a round launches. */
export class Occupation {
  private readonly agents = new Map<AppId, Set<AgentId>>();

  constructor(
    private readonly draft: Draft,
    private readonly strangers: EngineContext['memory']['strangers'],
  ) {}

  of(app: AppId): Set<AgentId> {
    const known = this.agents.get(app);
    if (known !== undefined) return known;
    const agents = new Set<AgentId>();
    for (const instance of this.draft.instancesOf(app).values()) {
      // What is reserved for one that has ended takes nobody's place.
      if (instance.placement === undefined || isDormant(instance)) continue;
      agents.add(instance.placement.agentId);
    }
    const prefix = `${safePath(app)}.instance-`;
    for (const [task, agent] of this.strangers) if (task.startsWith(prefix)) agents.add(agent);
    this.agents.set(app, agents);
    return agents;
  }
}

type Offered = Pick<MatchableOffer, 'agentId' | 'allocatedRole'>;

/**
 * Gives every offered agent its instance of each daemon, before anything else may take the room.
 * O(offers * daemons + instances of the daemons).
 */
export function placeDaemons<Target extends { readonly offer: Offered }>(
  { memory }: EngineContext,
  draft: Draft,
  targets: readonly Target[],
  about: {
    readonly occupation: Occupation;
    /** Undefined: launched. */
    readonly launch: (target: Target, app: App) => Refusal | undefined;
  },
): void {
  for (const [id, watch] of memory.daemons) {
    if (delayLeftMs(memory.backOffs.get(id), watch.app, draft.now) > 0) continue;
    const occupied = about.occupation.of(id);
    for (const target of targets) {
      const { agentId } = target.offer;
      if (occupied.has(agentId) || watch.delayLeftMs(agentId, draft.now) > 0) continue;
      const refusal = about.launch(target, watch.app);
      const { allocatedRole = watch.app.role } = target.offer;
      if (refusal === undefined) {
        occupied.add(agentId);
        // A launch that is not stored is still owed.
        draft.after(() => watch.looked(agentId, undefined, draft.now));
      } else if (allocatedRole === watch.app.role) watch.looked(agentId, refusal, draft.now);
      else watch.sawForOther(agentId, refusal, draft.now);
      memory.touch(id);
    }
  }
}
