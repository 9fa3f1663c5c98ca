import type { HeldInstances } from '#core';
import { isOutdated } from './app-change.js';
import { restartCapacity } from './capacity.js';
import { type InstanceFacts, isAlive, isServing, isStaying } from './instance-facts.js';
import { replaceCondemned } from './replace-condemned.js';
import type { RolloutDecision, RolloutInput } from './rollout-input.js';
import type { RolloutStage } from './rollout-stage.js';

type Hold = Extract<RolloutStage, { readonly kind: 'hold' }>;

/**
 * Keeps so many old and so many new instances: what died is replaced by its like, old ones first, as they carry the
 * load; what failed its checks as anywhere else. Nothing else is launched or given up. Canaries are beside the maximum.
 */
export function holdRollout(input: RolloutInput, stage: Hold): RolloutDecision {
  const { app, instances } = input;
  const alive = instances.filter(isAlive);
  const staying = alive.filter(isStaying);
  const sound = staying.filter((facts) => facts.condemned === undefined);
  const wanted = stage.old + stage.fresh;
  const replaced =
    sound.length < staying.length
      ? replaceCondemned({ ...input, app: { ...app, instances: wanted } }, staying, sound)
      : { launch: Math.max(0, wanted - staying.length), retire: [], reasons: [] };
  const ceiling = Math.max(restartCapacity(app).maxCapacity, wanted);
  const room = Math.max(0, Math.min(replaced.launch, ceiling - alive.length));
  const missing = countMissing(input, sound, stage);
  const launchesOld = missing.old > 0;
  const launch = Math.min(room, launchesOld ? missing.old : missing.fresh);
  const serving = sound.filter((facts) => !isOld(input, facts) && isServing(facts)).length;
  const what = stage.why === 'canary' ? 'canaries' : 'new instances';
  const reasons = [...replaced.reasons];
  if (serving < stage.fresh || stage.why === 'canary') {
    reasons.push(`${serving} of ${stage.fresh} ${what} are running, healthy and ready`);
  }
  if (launch > 0) {
    reasons.push(`${launch} ${launchesOld ? 'old' : 'new'} instances wait for an offer`);
  }
  return {
    launch,
    launchesOld,
    retire: replaced.retire,
    waiting: reasons,
    finished: false,
    isStageDone: serving >= stage.fresh,
  };
}

/** What an app has at this moment, to be held. */
export function countHeld({
  app,
  instances,
}: Pick<RolloutInput, 'app' | 'instances'>): HeldInstances {
  const staying = instances.filter(isStaying);
  const old = staying.filter((facts) => isOutdated(facts.configVersion, app)).length;
  return { old, fresh: staying.length - old };
}

const isOld = ({ app }: Pick<RolloutInput, 'app'>, facts: InstanceFacts): boolean =>
  isOutdated(facts.configVersion, app);

function countMissing(
  input: RolloutInput,
  sound: readonly InstanceFacts[],
  held: Hold,
): HeldInstances {
  if (held.hasNoOlder) return { old: 0, fresh: Math.max(0, held.old + held.fresh - sound.length) };
  const old = sound.filter((facts) => isOld(input, facts)).length;
  return {
    old: Math.max(0, held.old - old),
    fresh: Math.max(0, held.fresh - (sound.length - old)),
  };
}
