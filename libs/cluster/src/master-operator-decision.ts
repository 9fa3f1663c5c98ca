import type {
  AgentActivation,
  AgentId,
  MaintenanceRecord,
  QuotaRecord,
  RegistryChange,
  RoleName,
} from '#core';
import type { OperatorMutation } from '#mesos-v1';

/** What operators ask, and what is made of it. */

/** An operator call that changes the cluster. */
export interface OperatorCallEvent {
  readonly kind: 'operator-call';
  readonly callId: string;
  readonly call: OperatorMutation;
  readonly principal?: string;
}

/** What is applied to the state once the registry has it. */
export type OperatorDecision =
  | { readonly kind: 'activation'; readonly id: AgentId; readonly activation?: AgentActivation }
  | { readonly kind: 'weights'; readonly weights: ReadonlyMap<RoleName, number> }
  | {
      readonly kind: 'quotas';
      readonly quotas: readonly QuotaRecord[];
      readonly removed: readonly RoleName[];
    }
  | { readonly kind: 'maintenance'; readonly maintenance: MaintenanceRecord };

/** What becomes of a call: an answer at once, or a decision that is stored before it is applied and answered. */
export type OperatorVerdict =
  | { readonly kind: 'answer'; readonly status: number; readonly message?: string }
  | {
      readonly kind: 'decide';
      readonly changes: readonly RegistryChange[];
      readonly decision: OperatorDecision;
    };

export const refuse = (status: number, message: string): OperatorVerdict => ({
  kind: 'answer',
  status,
  message,
});
