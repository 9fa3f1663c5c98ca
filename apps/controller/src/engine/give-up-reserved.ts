import { type App, type AppId, type Instance, isDormant } from '#core';
import type { RolloutMode } from '#deployment';
import { fitsReservation } from '#marathon-v2';
import { launchedDefinitionOf } from './definitions.js';
import type { Draft } from './draft.js';
import type { EngineContext } from './engine-context.js';
import { changeInstance } from './instance-changes.js';

/**
 * What is reserved for instances that do not run, or are about to end, goes with their app; also when the app was declared
 * anew before that, and other resources or volumes are to be reserved for it: they could never be launched on what is there.
 */
export function giveUpReserved(
  context: EngineContext,
  draft: Draft,
  { app, mode }: { readonly app: App; readonly mode: RolloutMode },
): void {
  for (const instance of reservedOf(draft, app.id)) {
    const isEnding = isDormant(instance) || instance.goal === 'Stopped';
    if (!isEnding) continue;
    const reserved = launchedDefinitionOf(context, draft.root, instance);
    const isOfUse = reserved === undefined || fitsReservation(reserved, app);
    if (mode !== 'stop' && isOfUse) continue;
    changeInstance(context, draft, instance, { kind: 'decommission' });
  }
}

const reservedOf = (draft: Draft, app: AppId): readonly Instance[] =>
  [...draft.instancesOf(app).values()].filter(({ reservation }) => reservation !== undefined);
