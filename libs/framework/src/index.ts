export { BackOff, type BackOffOptions } from './back-off.js';
export { createScheduler, type Scheduler, type SchedulerOptions } from './create-scheduler.js';
export {
  SchedulerCallError,
  type SchedulerCallWithoutFrameworkId,
  type SchedulerDriver,
  type SchedulerHandlers,
} from './scheduler-driver.js';
export { MAX_OPEN_UPDATES } from './update-window.js';
