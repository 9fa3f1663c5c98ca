export {
  type AllocateOptions,
  Allocator,
  type AllocatorOptions,
  DEFAULT_MIN_ALLOCATABLE,
  MAX_REFUSE_MS,
  type RoleUsage,
} from './allocator.js';
export { DrfSorter, type Scalars } from './drf-sorter.js';
export { type Explanation, REFUSAL_REASONS, type RefusalReason } from './explanation.js';
export {
  type CompiledConstraints,
  type ConstraintsResult,
  compileOfferConstraints,
  type OfferConstraints,
} from './offer-constraints.js';
export type { Quantities } from './quantities.js';
export { subtractUpTo } from './subtract-up-to.js';
export type { AgentTraits, Allocation, FrameworkTraits, Quota } from './traits.js';
