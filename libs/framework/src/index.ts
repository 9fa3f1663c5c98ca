export { BackOff, type BackOffOptions } from './back-off.js';
export {
  createScheduler,
  type Scheduler,
  type SchedulerOptions,
} from './create-scheduler.js';
export { type Credential, readCredential } from './credential.js';
export { type Packing, type Placement, packOffers, type Requirements } from './pack-offers.js';
export { readTaskFile } from './read-task-file.js';
export type { ReconciliationOptions } from './reconciler.js';
export type { TaskRunner, TaskRunnerOptions } from './runner-options.js';
export { createFileStore, type RunnerState, type RunnerStore } from './runner-store.js';
export type { Place, RunnerTask, TaskReport } from './runner-task.js';
export {
  SchedulerCallError,
  type SchedulerCallWithoutFrameworkId,
  type SchedulerDriver,
  type SchedulerHandlers,
} from './scheduler-driver.js';
export type { TlsConnection } from './secure-connect.js';
export { createTaskRunner } from './task-runner.js';
export { MAX_OPEN_UPDATES } from './update-window.js';
