import type { OperatorMutation } from '#mesos-v1';
import type { MasterTurn } from './master-events.js';
import { type OperatorVerdict, refuse } from './master-operator-decision.js';

export type ResourceCall = Extract<
  OperatorMutation,
  {
    readonly type:
      | 'RESERVE_RESOURCES'
      | 'UNRESERVE_RESOURCES'
      | 'CREATE_VOLUMES'
      | 'DESTROY_VOLUMES'
      | 'GROW_VOLUME'
      | 'SHRINK_VOLUME';
  }
>;

export function convertForOperator(
  _turn: MasterTurn,
  _given: { readonly call: ResourceCall; readonly principal?: string },
): OperatorVerdict {
  return refuse(501, 'not yet');
}
