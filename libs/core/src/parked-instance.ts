import type { Instance } from './instance.js';

/** Has ended, and keeps its reservation: to be launched again, or (goal Decommissioned) given up with it. */
export const isParked = ({ reservation, condition }: Instance): boolean =>
  reservation !== undefined && condition === 'Scheduled';

/** Nothing is left of it but what is reserved for it, which is to be given back. */
export const isLeftover = (instance: Instance): boolean =>
  isParked(instance) && instance.goal === 'Decommissioned';

/** Given back, as far as the master knows. It is no instance of its app any more. */
export const isReleased = ({ reservation }: Instance): boolean =>
  reservation?.releasedAtEpochMs !== undefined;

/** Kept for later: it takes no part in what is to run, and neither does one that was stopped where nobody sees it. */
export const isDormant = (instance: Instance): boolean =>
  isParked(instance) ||
  (instance.reservation !== undefined &&
    instance.goal !== 'Running' &&
    (instance.condition === 'Unreachable' || instance.condition === 'UnreachableInactive'));
