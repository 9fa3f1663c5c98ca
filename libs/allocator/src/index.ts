export { HOLD_STALLED_MS, STARVING_AFTER_LOSSES } from './accumulation.js';
export type { AgentTraits } from './agent-traits.js';
export {
  Allocator,
  DEFAULT_MIN_ALLOCATABLE,
  DEFAULT_MIN_ALLOCATABLE_WITH_QUOTA,
  MAX_REFUSE_MS,
} from './allocator.js';
export { MAX_BACKOFF_MS, PATIENCE_ROUNDS } from './decline-backoff.js';
export {
  type ExplainOptions,
  type Explanation,
  type OutstandingOffer,
  REFUSAL_REASONS,
  type RefusalReason,
} from './explanation.js';
export {
  type CompiledConstraints,
  type ConstraintsResult,
  compileOfferConstraints,
  type OfferConstraints,
} from './offer-constraints.js';
export type { Quantities } from './quantities.js';
export { topLevelRole } from './quota-ledger.js';
export { MAX_CHECKS_PER_CALL } from './rounds.js';
export { subtractUpTo } from './subtract-up-to.js';
export type {
  AllocateOptions,
  Allocation,
  AllocatorOptions,
  FrameworkTraits,
  Quota,
  RoleUsage,
} from './traits.js';
