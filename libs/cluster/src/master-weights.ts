import { type RoleName, roleName } from '#core';
import type { WireWeightInfo } from '#mesos-v1';
import type { MasterTurn } from './master-events.js';
import { isRoleName } from './master-framework-info.js';
import { rescindOffer, scheduleAllocation } from './master-offers.js';
import { type OperatorVerdict, refuse } from './master-operator-decision.js';
import type { MasterState } from './master-state.js';

/** Roles that may have a weight other than 1. */
export const MAX_WEIGHTED_ROLES = 10_000;
/** Shares are divided by it: no weight makes one that is not finite. */
const MIN_WEIGHT = 1e-9;
const MAX_WEIGHT = 1e9;

/** UPDATE_WEIGHTS: changes the weights named and leaves the others. */
export function decideWeights(
  state: MasterState,
  infos: readonly WireWeightInfo[],
): OperatorVerdict {
  const { weights: known } = state.operator;
  const changed = new Map<RoleName, number>();
  for (const { role, weight } of infos) {
    if (!isRoleName(role)) return refuse(400, `role ${JSON.stringify(role)} is invalid`);
    if (!(weight >= MIN_WEIGHT && weight <= MAX_WEIGHT)) {
      return refuse(
        400,
        `weight of role ${role} is ${weight}; it must be from ${MIN_WEIGHT} to ${MAX_WEIGHT}`,
      );
    }
    if (changed.has(roleName(role))) return refuse(400, `weight of role ${role} is given twice`);
    changed.set(roleName(role), weight);
  }
  const roles = new Set([...known.keys(), ...changed.keys()]);
  if (roles.size > MAX_WEIGHTED_ROLES) {
    return refuse(400, `${roles.size} roles would have weights; at most ${MAX_WEIGHTED_ROLES} may`);
  }
  for (const [role, weight] of changed) {
    if ((known.get(role) ?? 1) === weight) changed.delete(role);
  }
  if (changed.size === 0) return { kind: 'answer', status: 200 };
  return {
    kind: 'decide',
    changes: [...changed].map(([role, weight]) => ({
      kind: 'put-weight',
      role,
      ...(weight === 1 ? {} : { weight }),
    })),
    decision: { kind: 'weights', weights: changed },
  };
}

/** Offers made by the old weights are rescinded when a role with frameworks is concerned. */
export function applyWeights(turn: MasterTurn, weights: ReadonlyMap<RoleName, number>): void {
  const { state } = turn;
  for (const [role, weight] of weights) {
    if (weight === 1) state.operator.weights.delete(role);
    else state.operator.weights.set(role, weight);
    state.allocator.setWeight(role, weight);
  }
  if (![...weights.keys()].some((role) => isInUse(state, role))) return;
  for (const offer of [...state.offers.values()]) rescindOffer(turn, offer);
  scheduleAllocation(turn);
}

/** Whether a framework is in the role or below it. */
function isInUse(state: MasterState, role: RoleName): boolean {
  for (const framework of state.frameworks.values()) {
    if (framework.roles.some((one) => isWithin(one, role))) return true;
  }
  return false;
}

/** Whether a role is `top` or below it. */
export const isWithin = (role: string, top: string): boolean =>
  role === top || role.startsWith(`${top}/`);
