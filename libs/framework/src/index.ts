export { BackOff, type BackOffOptions } from './back-off.js';
export {
  type Credential,
  createScheduler,
  type Scheduler,
  type SchedulerOptions,
} from './create-scheduler.js';
export { type Packing, type Placement, packOffers, type Requirements } from './pack-offers.js';
export type { ReconciliationOptions } from './reconciler.js';
export {
  SchedulerCallError,
  type SchedulerCallWithoutFrameworkId,
  type SchedulerDriver,
  type SchedulerHandlers,
} from './scheduler-driver.js';
export { MAX_OPEN_UPDATES } from './update-window.js';
