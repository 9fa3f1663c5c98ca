import { type App, toMilli } from '#core';
import type { Refusal, ResourcePool } from './offer.js';

/** What a resident app needs beyond any other: disk for its volumes, and unreserved resources to reserve. */

/** The persistent volumes an app declares, in order. */
export const persistentVolumesOf = (
  app: Pick<App, 'container'>,
): readonly { readonly containerPath: string; readonly sizeMib: number }[] =>
  (app.container?.volumes ?? []).flatMap(({ containerPath, persistent }) => {
    const sizeMib = Number(persistent?.['size'] ?? 0);
    return persistent === undefined ? [] : [{ containerPath, sizeMib }];
  });

/** Thousandths of MiB of all its volumes. */
export const volumesMilli = (app: Pick<App, 'container'>): number =>
  persistentVolumesOf(app).reduce((sum, { sizeMib }) => sum + toMilli(sizeMib), 0);

/** Nothing can be reserved for the role `*`. */
export function findResidentRefusal(app: Pick<App, 'container' | 'role'>): Refusal | undefined {
  if (app.role !== '*' || persistentVolumesOf(app).length === 0) return undefined;
  const detail =
    'nothing can be reserved for the role *: an app with persistent volumes needs another';
  return { reason: 'UnfulfilledRole', detail };
}

/** Only what nobody has reserved can be reserved for an instance. */
export const reservablePools = (
  app: Pick<App, 'container'>,
  pools: readonly ResourcePool[],
): readonly ResourcePool[] =>
  persistentVolumesOf(app).length === 0 ? pools : pools.filter(({ role }) => role === '*');
