import type { FrameworkId } from '#core';
import type { MasterTurn } from './master-events.js';
import { checkUpdate, type Subscription, toFrameworkTraits } from './master-framework-info.js';
import { applyInfo, beginFailover } from './master-frameworks.js';
import { touchFramework } from './master-observation.js';
import { rescindOffer, scheduleAllocation } from './master-offers.js';
import type { Framework } from './master-state.js';

/** UPDATE_FRAMEWORK: checked, then durable, then {@link applyUpdate}, then answered 200. */
export function updateFramework(
  turn: MasterTurn,
  framework: Framework,
  given: { readonly callId: string; readonly update: Subscription },
): void {
  const { callId, update } = given;
  const problem = checkUpdate(framework, update);
  if (problem !== undefined) {
    turn.effects.push({ kind: 'answer-call', callId, status: 400, message: problem });
    return;
  }
  turn.effects.push({
    kind: 'commit-registry',
    changes: [
      {
        kind: 'put-framework',
        framework: {
          id: framework.id,
          info: { ...update.framework_info, id: { value: framework.id } },
          state: 'registered',
          sinceEpochMs: framework.registeredEpochMs,
        },
      },
    ],
    stored: { kind: 'framework-updated', callId, frameworkId: framework.id, update },
    unavailable: { kind: 'registry-unavailable', callId },
  });
}

/**
 * The registry holds it: roles that were left lose their offers; filters go for roles that are newly unsuppressed only.
 * Offers of roles that stay are left alone.
 */
export function applyUpdate(
  turn: MasterTurn,
  given: {
    readonly callId: string;
    readonly frameworkId: FrameworkId;
    readonly update: Subscription;
  },
): void {
  const { state } = turn;
  const { callId, update } = given;
  const framework = state.frameworks.get(given.frameworkId);
  if (framework === undefined || framework.isRemoving) {
    const message = 'Framework cannot be found';
    turn.effects.push({ kind: 'answer-call', callId, status: 400, message });
    return;
  }
  touchFramework(state, framework);
  applyInfo(framework, update.framework_info);
  for (const offer of [...framework.offers]) {
    if (!framework.roles.includes(offer.role)) rescindOffer(turn, offer);
  }
  state.allocator.updateFramework(framework.id, toFrameworkTraits(update));
  // It hung up meanwhile: its offers are void, and it is offered nothing until it subscribes.
  if (framework.streamId === undefined) {
    state.allocator.deactivateFramework(framework.id);
    beginFailover(turn, framework);
  }
  scheduleAllocation(turn);
  turn.effects.push({ kind: 'answer-call', callId, status: 200 });
}
