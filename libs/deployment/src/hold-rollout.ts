import type { HeldInstances } from '#core';
import { isOutdated } from './app-change.js';
import { restartCapacity } from './capacity.js';
import {
  type InstanceFacts,
  isAlive,
  isLeaving,
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
 * load; what failed its checks as anywhere else. Nothing else is launched or given up. Canaries are beside the maximum;
 * where another deployment left more than there were to be, canaries of its own maybe, these make room for them.
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
  const missing = countMissing(input, sound, stage);
  const launchesOld = missing.old > 0;
  const lacking = launchesOld ? missing.old : missing.fresh;
  const isCanary = stage.why === 'canary' && !launchesOld;
  // Beside however many old ones there are.
  const unmade = isCanary ? countMissing(input, staying, stage).fresh : 0;
  const room = Math.max(0, ceiling - alive.length);
  const launch = Math.min(room, Math.max(unmade, Math.min(lacking, replaced.launch)));
  const surplus = chooseSurplus(input, stage, unmade - room);
  const serving = sound.filter((facts) => !isOld(input, facts) && isServing(facts)).length;
  const what = stage.why === 'canary' ? 'canaries' : 'new instances';
  const reasons = [...replaced.reasons];
  if (serving < stage.fresh || stage.why === 'canary') {
    reasons.push(`${serving} of ${stage.fresh} ${what} are running, healthy and ready`);
  }
  if (launch > 0) {
    reasons.push(`${launch} ${launchesOld ? 'old' : 'new'} instances wait for an offer`);
  }
  if (unmade > launch) {
    reasons.push(`at most ${ceiling} instances may exist at once and ${alive.length} do`);
  }
  return {
    launch,
    launchesOld,
    retire: [...new Set([...replaced.retire, ...surplus])],
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

/** In the place of old ones that died come new ones where there is no older definition, beside the canaries. */
function countMissing(
  input: RolloutInput,
  present: readonly InstanceFacts[],
  held: Hold,
): HeldInstances {
  const old = present.filter((facts) => isOld(input, facts)).length;
  const fresh = present.length - old;
  const missingOld = Math.max(0, held.old - old);
  return held.hasNoOlder
    ? { old: 0, fresh: Math.max(0, held.fresh + missingOld - fresh) }
    : { old: missingOld, fresh: Math.max(0, held.fresh - fresh) };
}

/**
 * Old instances beyond those that are to stay, which leave canaries no room: what does not serve first, then of the
 * newest configuration, the least proven one, and never below the minimum. None before it is known which serve.
 */
function chooseSurplus(
  { app, instances }: RolloutInput,
  held: Hold,
  lacking: number,
): readonly InstanceFacts[] {
  if (lacking <= 0) return [];
  const staying = instances.filter(isStaying);
  const old = staying.filter((facts) => isOutdated(facts.configVersion, app));
  if (old.some(isUncertain)) return [];
  const leaving = instances.filter((facts) => isAlive(facts) && isLeaving(facts)).length;
  const count = Math.min(old.length - held.old, lacking - leaving);
  const selection = { killSelection: app.killSelection };
  const idle = selectToKill(
    old.filter((facts) => !isServing(facts)),
    count,
    selection,
  );
  const serving = staying.filter(isServing);
  const budget = serving.length - restartCapacity(app).minHealthy;
  const versions = new Set(old.map(({ configVersion }) => configVersion));
  const newestFirst = [...versions].sort().reverse();
  const rest = newestFirst.flatMap((version) => {
    const alike = old.filter((facts) => isServing(facts) && facts.configVersion === version);
    return selectToKill(alike, alike.length, selection);
  });
  return [...idle, ...rest.slice(0, Math.max(0, Math.min(budget, count - idle.length)))];
}
