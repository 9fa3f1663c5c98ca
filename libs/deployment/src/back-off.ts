import type { App, Now } from '#core';

/** Why an app may not launch right now: its instances ended too soon or too often. In memory only. */
export interface BackOff {
  /** `lastConfigChangeAt` it belongs to: scaling keeps it, a configuration change clears it. */
  readonly key: string;
  readonly delayMs: number;
  readonly deadlineMonoMs: number;
  /** Forgotten once this lies maxLaunchDelay back. */
  readonly referenceMonoMs: number;
}

type Limits = Pick<
  App,
  'backoffSeconds' | 'backoffFactor' | 'maxLaunchDelaySeconds' | 'versionInfo'
>;

/** After a counted end: the first waits backoffSeconds, each further one backoffFactor longer, at most maxLaunchDelay. */
export function growBackOff(previous: BackOff | undefined, app: Limits, now: Now): BackOff {
  const key = app.versionInfo.lastConfigChangeAt;
  const maxMs = app.maxLaunchDelaySeconds * 1000;
  const current = currentBackOff(previous, app, now);
  const delayMs =
    current === undefined
      ? Math.min(app.backoffSeconds * 1000, maxMs)
      : Math.min(maxMs, current.delayMs * app.backoffFactor);
  return { key, delayMs, deadlineMonoMs: now.monoMs + delayMs, referenceMonoMs: now.monoMs };
}

/** A launch made progress: the back-off stays, but counts its age from now. */
export const touchBackOff = (backOff: BackOff, now: Now): BackOff => ({
  ...backOff,
  referenceMonoMs: now.monoMs,
});

/** The back-off that still counts for this definition, if any. */
export function currentBackOff(
  backOff: BackOff | undefined,
  app: Limits,
  now: Now,
): BackOff | undefined {
  if (backOff === undefined || backOff.key !== app.versionInfo.lastConfigChangeAt) return undefined;
  const isForgotten = now.monoMs > backOff.referenceMonoMs + app.maxLaunchDelaySeconds * 1000;
  return isForgotten && now.monoMs >= backOff.deadlineMonoMs ? undefined : backOff;
}

/** Milliseconds until the app may launch; 0: now. Never more than the app's longest delay, which may have become shorter. */
export function delayLeftMs(backOff: BackOff | undefined, app: Limits, now: Now): number {
  const current = currentBackOff(backOff, app, now);
  if (current === undefined) return 0;
  const endsMs = Math.min(
    current.deadlineMonoMs,
    current.referenceMonoMs + app.maxLaunchDelaySeconds * 1000,
  );
  return Math.max(0, endsMs - now.monoMs);
}
