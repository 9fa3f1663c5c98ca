import type { App } from './app.js';
import type { TaskId } from './ids.js';
import type { Instance, InstanceCondition } from './instance.js';
import type { TaskState } from './task-state.js';

/** What happens to a placed instance. */
export type InstanceEvent =
  | {
      readonly kind: 'status';
      /** Which of a pod's tasks; absent: all of them. */
      readonly taskId?: TaskId;
      readonly state: TaskState;
      readonly reason?: string;
      readonly message?: string;
      readonly ipAddresses?: Instance['ipAddresses'];
    }
  /** `isForGood`: its reservation is given up when it is killed. */
  | { readonly kind: 'drain'; readonly deadlineEpochMs: number; readonly isForGood?: boolean }
  | { readonly kind: 'decommission' }
  /** Ends the task and keeps the reservation; without one it is `decommission`. `isComingBack`: to be launched again soon. */
  | { readonly kind: 'stop'; readonly isComingBack: boolean }
  /** It was stopped where nobody sees it, and is wanted again: it goes on should it come back. */
  | { readonly kind: 'revive' }
  | {
      readonly kind: 'time-passed';
      readonly unreachableStrategy: App['unreachableStrategy'];
      /** How long it has been unreachable, milliseconds on the monotonic clock. */
      readonly awayMs: number;
      /** Its app can do without it: until then it is not forgotten. */
      readonly isReplaced: boolean;
    };

/** What follows from it. */
export type InstanceEffect =
  | { readonly kind: 'condition-changed'; readonly from: InstanceCondition }
  /** It runs for the first time. */
  | { readonly kind: 'started' }
  /** `counted`: delays the next launch. `failed`: is kept as the app's last task failure. */
  | { readonly kind: 'ended'; readonly counted: boolean; readonly failed: boolean }
  /** A container ended, as `condition` says, and takes the others with it: the instance ends when they have. Flags as above. */
  | {
      readonly kind: 'container-failed';
      readonly condition: InstanceCondition;
      readonly counted: boolean;
      readonly failed: boolean;
    }
  /** Its task has ended, as told here; what is reserved for it stays. */
  | { readonly kind: 'parked'; readonly endedAs: InstanceCondition }
  | { readonly kind: 'drain-started' }
  /** The task must be asked to end (again). */
  | { readonly kind: 'kill' }
  /** Forget it; should it come back it is an unknown task and killed. */
  | { readonly kind: 'expunge' };
