export {
  type Allocation,
  Allocator,
  type AllocatorOptions,
  DEFAULT_MIN_ALLOCATABLE,
  MAX_REFUSE_MS,
} from './allocator.js';
export { DrfSorter, type Scalars } from './drf-sorter.js';
export { subtractUpTo } from './subtract-up-to.js';
