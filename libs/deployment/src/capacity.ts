import { type App, isResident } from '#core';

/** Rounding errors of products such as 100 * 1.15 must not cost an instance. */
const EPSILON = 1e-9;

export interface Capacity {
  /** Healthy instances that must remain. */
  readonly minHealthy: number;
  /** Instances of any kind that may exist at once. */
  readonly maxCapacity: number;
}

/**
 * The bounds of a rolling restart: ceil(n * minimumHealthCapacity) and floor(n * (1 + maximumOverCapacity)). Where
 * the two meet (100 % / 0 %) nothing could ever move, so one more may exist; an app with reservations, which cannot
 * exist twice, gives up one healthy instance instead.
 */
export function restartCapacity(app: App): Capacity {
  const { minHealthy, maxCapacity } = plainCapacity(app);
  if (minHealthy < maxCapacity) return { minHealthy, maxCapacity };
  if (isResident(app)) return { minHealthy: Math.max(0, maxCapacity - 1), maxCapacity };
  return { minHealthy, maxCapacity: maxCapacity + 1 };
}

/** The same without the exception: bounds of replacing unhealthy instances. */
export function plainCapacity(app: App): Capacity {
  const { minimumHealthCapacity, maximumOverCapacity } = app.upgradeStrategy;
  return {
    minHealthy: Math.ceil(app.instances * minimumHealthCapacity - EPSILON),
    maxCapacity: Math.floor(app.instances * (1 + maximumOverCapacity) + EPSILON),
  };
}
