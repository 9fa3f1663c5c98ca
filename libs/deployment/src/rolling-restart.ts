import type { App } from '#core';
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
import type { RolloutDecision, RolloutInput } from './rollout-input.js';
import type { BatchStage } from './rollout-stage.js';

/** What a restart counts. Old: runs an outdated configuration. */
interface Tally {
  readonly wanted: number;
  readonly alive: number;
  readonly oldStaying: readonly InstanceFacts[];
  readonly newStaying: readonly InstanceFacts[];
  readonly newServing: number;
  readonly serving: number;
  readonly minHealthy: number;
  readonly maxCapacity: number;
  /** New instances there may be for now. */
  readonly released: number;
}

/**
 * One look at a rolling restart (Marathon 3.3, made declarative). New instances start while fewer than maxCapacity
 * exist. Serving old ones go only while more than minHealthy serve. Old ones that do not serve cost nothing, but a
 * wave of failing checks must not end them all: those that run go one for each proven new one, or singly for room, the
 * next one when every new one serves. What may serve, as far as anybody knows, goes only while enough others do.
 * In a batch only so many are renewed; what dies of the rest is replaced by its like, if there is any.
 */
export function rollRestart(input: RolloutInput): RolloutDecision {
  const tally = takeTally(input);
  const newCondemned = tally.newStaying.filter((facts) => facts.condemned !== undefined);
  const newSurplus = chooseSurplusNew(input, tally);
  const retireOld = chooseOld(input, tally);
  const batch = input.stage?.kind === 'batch' ? input.stage : undefined;
  const canKeepOld = batch !== undefined && batch.hasNoOlder !== true;
  const missingOld = canKeepOld ? batch.old - tally.oldStaying.length : 0;
  const missing =
    missingOld > 0 ? missingOld : tally.released - (tally.newStaying.length - newCondemned.length);
  const launch = Math.max(0, Math.min(missing, tally.maxCapacity - tally.alive));
  // Should they come back, they would be old ones among the new.
  const lostOld = input.instances.filter(
    (facts) =>
      facts.condition === 'UnreachableInactive' && isOutdated(facts.configVersion, input.app),
  );
  const present = input.instances.filter(isAlive);
  const finished =
    tally.newServing === tally.wanted &&
    lostOld.length === 0 &&
    present.length === tally.wanted &&
    present.every((facts) => !isLeaving(facts) && !isOutdated(facts.configVersion, input.app));
  return {
    launch,
    retire: [...new Set([...retireOld, ...newCondemned, ...newSurplus, ...lostOld])],
    waiting: finished ? [] : explain(tally, { launch, missingOld, batch }),
    finished,
    launchesOld: missingOld > 0,
    isStageDone: batch !== undefined && isBatchDone(tally),
  };
}

/** It serves, and what it replaced is gone. */
const isBatchDone = ({ wanted, released, alive, newStaying, newServing, oldStaying }: Tally) =>
  newServing >= released &&
  oldStaying.length <= wanted - released &&
  alive === newStaying.length + oldStaying.length;

function takeTally({ app, instances, stage }: RolloutInput): Tally {
  const staying = instances.filter(isStaying);
  const newStaying = staying.filter((facts) => !isOutdated(facts.configVersion, app));
  const oldStaying = staying.filter((facts) => isOutdated(facts.configVersion, app));
  return {
    wanted: app.instances,
    alive: instances.filter(isAlive).length,
    oldStaying,
    newStaying,
    newServing: newStaying.filter(isServing).length,
    serving: staying.filter(isServing).length,
    released: stage?.kind === 'batch' ? releasedBy(stage, app, oldStaying.length) : app.instances,
    ...restartCapacity(app),
  };
}

/** Where an old one that died cannot be replaced by its like, a new one takes its place. */
const releasedBy = ({ released, hasNoOlder }: BatchStage, app: App, old: number): number =>
  hasNoOlder === true ? Math.max(released, app.instances - old) : released;

function chooseOld({ app }: RolloutInput, tally: Tally): readonly InstanceFacts[] {
  const { oldStaying, newStaying, newServing, serving, wanted, released } = tally;
  const replaceable =
    released < wanted ? oldStaying.length - (wanted - released) : Number.POSITIVE_INFINITY;
  if (replaceable <= 0) return [];
  const budget = Math.max(0, serving - tally.minHealthy);
  const surplus = Math.max(0, oldStaying.length - Math.max(0, wanted - newServing));
  const missing = released - newStaying.length;
  const room = tally.maxCapacity - tally.alive;
  const selection = { killSelection: app.killSelection };

  const idle = oldStaying.filter((facts) => facts.condition !== 'Running');
  const running = oldStaying.filter((facts) => facts.condition === 'Running');
  const failing = running.filter((facts) => !isServing(facts) && !isUncertain(facts));
  const uncertain = running.filter(isUncertain);
  const servingOld = running.filter(isServing);

  const target = Math.max(budget, surplus);
  const isSettled =
    tally.alive === oldStaying.length + newStaying.length && newServing === newStaying.length;
  const isStuck = isSettled && missing > 0 && room <= 0;
  const chosen = [...selectToKill(idle, Math.max(target, missing - Math.max(room, 0)), selection)];
  const failingCount = Math.max(target - chosen.length, isStuck && chosen.length === 0 ? 1 : 0);
  chosen.push(...selectToKill(failing, failingCount, selection));
  const uncertainCount = serving < tally.minHealthy ? 0 : surplus - chosen.length;
  chosen.push(...selectToKill(uncertain, uncertainCount, selection));
  const servingCount = Math.min(budget, target - chosen.length);
  chosen.push(...selectToKill(servingOld, servingCount, selection));
  return chosen.slice(0, Math.min(chosen.length, replaceable));
}

/** The count went down together with the configuration: what is new and too many goes, never below the minimum. */
function chooseSurplusNew({ app }: RolloutInput, tally: Tally): readonly InstanceFacts[] {
  const surplus = tally.newStaying.length - tally.wanted;
  if (surplus <= 0) return [];
  const selection = { killSelection: app.killSelection };
  const idle = tally.newStaying.filter((facts) => !isServing(facts) && !isUncertain(facts));
  const chosen = [...selectToKill(idle, surplus, selection)];
  if (tally.newServing >= tally.wanted) {
    const uncertain = tally.newStaying.filter(isUncertain);
    chosen.push(...selectToKill(uncertain, surplus - chosen.length, selection));
  }
  const budget = Math.max(0, tally.newServing - tally.wanted);
  const serving = tally.newStaying.filter(isServing);
  const count = Math.min(budget, surplus - chosen.length);
  return [...chosen, ...selectToKill(serving, count, selection)];
}

function explain(
  tally: Tally,
  about: {
    readonly launch: number;
    readonly missingOld: number;
    readonly batch: BatchStage | undefined;
  },
): readonly string[] {
  const { wanted, newStaying, newServing, oldStaying, serving, minHealthy, maxCapacity } = tally;
  const { launch, missingOld, batch } = about;
  const reasons: string[] = [];
  if (batch !== undefined) {
    reasons.push(
      `batch ${batch.batch} of ${batch.batches}: ${tally.released} of ${wanted} instances are to be new for now`,
    );
  }
  if (newServing < wanted) {
    reasons.push(`${newServing} of ${wanted} new instances are running, healthy and ready`);
  }
  const notYet = newStaying.length - newServing;
  if (notYet > 0) reasons.push(`${notYet} new instances are started and not yet healthy and ready`);
  if (launch > 0) {
    const which = missingOld > 0 ? 'old' : 'new';
    reasons.push(
      `${launch} ${which} ${launch === 1 ? 'instance waits' : 'instances wait'} for an offer`,
    );
  }
  if (newStaying.length < tally.released && launch === 0) {
    reasons.push(`at most ${maxCapacity} instances may exist at once and ${tally.alive} do`);
  }
  if (oldStaying.length > 0) {
    reasons.push(
      `${oldStaying.length} old instances stay for now: ${serving} instances serve ` +
        `and at least ${minHealthy} must`,
    );
  }
  return reasons;
}
