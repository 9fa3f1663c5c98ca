import type { InstanceId } from '#core';
import { isOutdated } from './app-change.js';
import { rollDaemon } from './daemon.js';
import { needsDraining } from './draining.js';
import { holdRollout } from './hold-rollout.js';
import { type InstanceFacts, isAlive, isLeaving, isStaying } from './instance-facts.js';
import { runJob } from './job.js';
import { rollRestart } from './rolling-restart.js';
import type { RolloutActions, RolloutDecision, RolloutInput } from './rollout-input.js';
import { scaleApp } from './scaling.js';

/** Decides the next actions of one app. O(instances of the app * log). */
export function nextActions(given: RolloutInput): RolloutActions {
  const input = { ...given, instances: given.instances.map((facts) => exemptOld(facts, given)) };
  const decision = decide(input);
  const drain: InstanceId[] = [];
  const kill: InstanceId[] = [];
  for (const facts of new Set([...decision.retire, ...findOverdue(input.instances)])) {
    if (needsDraining(facts, input)) drain.push(facts.id);
    else kill.push(facts.id);
  }
  for (const facts of input.instances) {
    if (facts.draining?.isDone === true && !facts.isKilling && isAlive(facts)) kill.push(facts.id);
  }
  return {
    launch: decision.launch,
    launchesOld: decision.launchesOld ?? false,
    drain,
    kill,
    waiting: [...decision.waiting, ...describeLeaving(input.instances)],
    finished: decision.finished,
    isStageDone: decision.isStageDone ?? false,
  };
}

/** Whatever else is going on, what is left on an agent when it goes has had its drain time. */
const findOverdue = (instances: readonly InstanceFacts[]): readonly InstanceFacts[] =>
  instances.filter((facts) => facts.evicted === 'now' && isStaying(facts));

/** Readiness gates new instances only (Marathon 3.3): what runs an older configuration served without it. */
const exemptOld = (facts: InstanceFacts, { app }: RolloutInput): InstanceFacts =>
  facts.readiness !== 'ready' && isOutdated(facts.configVersion, app)
    ? { ...facts, readiness: 'ready' }
    : facts;

function decide(input: RolloutInput): RolloutDecision {
  if (input.mode !== 'stop') {
    if (input.daemon !== undefined) return orHold(input, rollDaemon(input, input.daemon));
    if (input.job !== undefined) return orHold(input, runJob(input, input.job));
  }
  if (input.stage?.kind === 'hold') return holdRollout(input, input.stage);
  switch (input.mode) {
    case 'stop':
      return stopApp(input);
    case 'restart':
      return rollRestart(input);
    case 'scale':
      return hasOutdated(input) ? rollRestart(input) : scaleApp(input);
    case 'steady':
      return scaleApp(input);
    default:
      return input.mode satisfies never;
  }
}

/** Of what has no count to be held, a pause launches and ends nothing. A daemon still comes to agents without one. */
const orHold = ({ stage }: RolloutInput, decision: RolloutDecision): RolloutDecision =>
  stage?.kind === 'hold' ? { ...decision, launch: 0, retire: [], finished: false } : decision;

const hasOutdated = ({ app, instances }: RolloutInput): boolean =>
  instances.some((facts) => isPresent(facts) && isOutdated(facts.configVersion, app));

/** Still known, even when it is given up for lost. */
const isPresent = (facts: InstanceFacts): boolean =>
  isAlive(facts) || facts.condition === 'UnreachableInactive';

function stopApp({ instances }: RolloutInput): RolloutDecision {
  const present = instances.filter((facts) => isAlive(facts));
  const inactive = instances.filter((facts) => facts.condition === 'UnreachableInactive');
  return {
    launch: 0,
    retire: [...present.filter((facts) => !isLeaving(facts)), ...inactive],
    waiting: present.length > 0 ? [`${present.length} instances are still there`] : [],
    finished: present.length + inactive.length === 0,
  };
}

function describeLeaving(instances: readonly InstanceFacts[]): readonly string[] {
  const draining = instances.filter(
    (facts) => isAlive(facts) && facts.draining?.isDone === false && !facts.isKilling,
  );
  const killing = instances.filter((facts) => isAlive(facts) && facts.isKilling);
  const reasons: string[] = [];
  if (draining.length > 0) {
    reasons.push(
      `${draining.length} instances are out of rotation and wait for their open requests, ` +
        `at the latest until their drain deadline`,
    );
  }
  if (killing.length > 0) reasons.push(`${killing.length} instances are being killed`);
  return reasons;
}
