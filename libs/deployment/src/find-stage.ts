import type { App, Deployment } from '#core';
import { isOutdated } from './app-change.js';
import type { RolloutMode } from './rollout-input.js';
import type { RolloutStage } from './rollout-stage.js';

/** The stage an app's rollout is in. Canaries and batches are for restarts; what rolls back has neither. */
export function stageOf(about: {
  readonly deployment: Pick<Deployment, 'pause' | 'progress' | 'rollbackOf'>;
  readonly app: App;
  readonly mode: RolloutMode;
  readonly original: App | undefined;
}): RolloutStage | undefined {
  const { deployment, app, mode, original } = about;
  const isSame =
    original !== undefined && !isOutdated(original.versionInfo.lastConfigChangeAt, app);
  const older = isSame ? { hasNoOlder: true } : {};
  const held = deployment.pause?.held[app.id];
  if (held !== undefined) return { kind: 'hold', why: 'paused', ...held, ...older };
  const { canary, batches } = app.rollout ?? {};
  if (mode !== 'restart' || original === undefined || deployment.rollbackOf !== undefined) {
    return undefined;
  }
  const progress = deployment.progress?.[app.id];
  const canaries = canary === undefined ? 0 : Math.min(canary.instances, app.instances);
  if (canaries > 0 && progress?.isPromoted !== true) {
    return { kind: 'hold', why: 'canary', old: original.instances, fresh: canaries, ...older };
  }
  const done = progress?.batches ?? 0;
  if (batches === undefined || done >= batches.length) return undefined;
  const released = canaries + batches.slice(0, done + 1).reduce((sum, count) => sum + count, 0);
  if (released >= app.instances) return undefined;
  const old = Math.min(original.instances, app.instances - released);
  return { kind: 'batch', batch: done + 1, batches: batches.length, released, old, ...older };
}
