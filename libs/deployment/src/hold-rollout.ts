import type { HeldInstances } from '#core';
import { isOutdated } from './app-change.js';
import { restartCapacity } from './capacity.js';
import {
  type InstanceFacts,
  isAlive,
  isServing,
  isStaying,
  isUncertain,
} from './instance-facts.js';
import { selectToKill } from './kill-selection.js';
import { replaceCondemned } from './replace-condemned.js';
import type { RolloutDecision, RolloutInput } from './rollout-input.js';
import type { RolloutStage } from './rollout-stage.js';

type Hold = Extract<RolloutStage, { readonly kind: 'hold' }>;

/**
 * Keeps so many old and so many new instances: what died is replaced by its like, old ones first, as they carry the
 * load; what failed its checks as anywhere else. Nothing else is launched or given up, but for what is left of canaries
 * that others take the place of. Canaries are beside the maximum.
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
  const surplusOld = chooseSurplusOld(input, staying, stage);
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
  if (stage.why === 'canary' && staying.length > wanted) {
    reasons.push(`at most ${wanted} instances may exist at once and ${staying.length} do`);
  }
  return {
    launch,
    launchesOld,
    retire: [...new Set([...replaced.retire, ...surplusOld])],
    waiting: reasons,
    finished: false,
    isStageDone: serving >= stage.fresh,
  };
}

/**
 * Canaries come beside so many old ones, and where there are more they would never come: a deployment was replaced that
 * had canaries of its own, or was still to give some up. Those go, the newest configuration first; of what serves only
 * so much that all the others do.
 */
function chooseSurplusOld(
  input: RolloutInput,
  staying: readonly InstanceFacts[],
  stage: Hold,
): readonly InstanceFacts[] {
  const old = staying.filter((facts) => isOld(input, facts));
  const surplus = stage.why === 'canary' ? old.length - stage.old : 0;
  if (surplus <= 0) return [];
  const { killSelection } = input.app;
  const idle = old.filter((facts) => !isServing(facts) && !isUncertain(facts));
  const chosen = [...selectToKill(idle, surplus, { killSelection })];
  const serving = old.filter(isServing);
  if (serving.length >= stage.old) {
    const uncertain = old.filter(isUncertain);
    chosen.push(...selectToKill(uncertain, surplus - chosen.length, { killSelection }));
  }
  const budget = Math.min(surplus - chosen.length, serving.length - stage.old);
  const newestFirst = [...new Set(serving.map(({ configVersion }) => configVersion))]
    .sort()
    .reverse();
  const inTurn = newestFirst.flatMap((version) => {
    const alike = serving.filter(({ configVersion }) => configVersion === version);
    return selectToKill(alike, alike.length, { killSelection });
  });
  return [...chosen, ...inTurn.slice(0, Math.max(0, budget))];
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
