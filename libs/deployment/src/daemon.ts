import { isOutdated } from './app-change.js';
import {
  type InstanceFacts,
  isAlive,
  isServing,
  isStaying,
  isUncertain,
} from './instance-facts.js';
import { selectToKill } from './kill-selection.js';
import { replaceCondemned } from './replace-condemned.js';
import type { DaemonFacts, RolloutDecision, RolloutInput } from './rollout-input.js';

/** Rounding errors of products must not cost an instance. */
const EPSILON = 1e-9;

interface Tally {
  /** On agents that are there. */
  readonly present: readonly InstanceFacts[];
  readonly old: readonly InstanceFacts[];
  readonly current: readonly InstanceFacts[];
  /** Agents that should run it. */
  readonly agents: number;
  readonly serving: number;
  readonly minHealthy: number;
}

/**
 * One look at an app that runs once on every agent. Nothing is counted out for launching: whichever agent has none gets
 * one with its next offer. An instance is replaced in place, kill first, while more than minHealthy of the agents serve,
 * at least one at a time. Agents that are away are neither waited for nor replaced.
 */
export function rollDaemon(input: RolloutInput, daemon: DaemonFacts): RolloutDecision {
  const { app, mode, instances } = input;
  const tally = takeTally(input, daemon);
  const isRolling = mode !== 'steady';
  const lostOld = instances.filter(
    (facts) => isRolling && isAway(facts) && isOutdated(facts.configVersion, app),
  );
  const condemned = replaceInPlace(input, tally.current);
  const chosen = isRolling ? chooseOld(input, tally, daemon) : [];
  const finished =
    !daemon.isDiscovering &&
    (daemon.hasLooked || tally.present.length > 0) &&
    daemon.owed === 0 &&
    tally.serving === tally.present.length &&
    tally.old.length === 0 &&
    lostOld.length === 0;
  return {
    launch: daemon.owed,
    retire: [...chosen, ...condemned.retire, ...lostOld],
    waiting: finished ? [] : [...condemned.reasons, ...explain(tally, daemon)],
    finished,
  };
}

const isAway = ({ condition }: InstanceFacts): boolean =>
  condition === 'Unreachable' || condition === 'UnreachableInactive';

function takeTally({ app, instances }: RolloutInput, daemon: DaemonFacts): Tally {
  const present = instances.filter((facts) => isAlive(facts) && !isAway(facts));
  const staying = present.filter(isStaying);
  const agents = present.length + daemon.owed;
  const wanted = Math.ceil(agents * app.upgradeStrategy.minimumHealthCapacity - EPSILON);
  return {
    present,
    old: staying.filter((facts) => isOutdated(facts.configVersion, app)),
    current: staying.filter((facts) => !isOutdated(facts.configVersion, app)),
    agents,
    serving: staying.filter(isServing).length,
    // Where all must serve nothing could ever be replaced: one may be away at a time.
    minHealthy: Math.max(0, Math.min(wanted, agents - 1)),
  };
}

/** There is no room for two on an agent, so the kill comes first. */
function replaceInPlace(
  input: RolloutInput,
  current: readonly InstanceFacts[],
): { readonly retire: readonly InstanceFacts[]; readonly reasons: readonly string[] } {
  const sound = current.filter((facts) => facts.condemned === undefined);
  if (sound.length === current.length) return { retire: [], reasons: [] };
  const { minimumHealthCapacity } = input.app.upgradeStrategy;
  const app = {
    ...input.app,
    instances: current.length,
    upgradeStrategy: { minimumHealthCapacity, maximumOverCapacity: 0 },
  };
  return replaceCondemned({ ...input, app }, current, sound);
}

/** Which outdated instances go now. What does not run yet costs nothing; failing ones must not all go at once either. */
function chooseOld(
  { app }: RolloutInput,
  { present, old, current, serving, minHealthy }: Tally,
  daemon: DaemonFacts,
): readonly InstanceFacts[] {
  const idle = old.filter((facts) => facts.condition !== 'Running');
  // Until it is known which agents there are, it is not known how many must serve.
  if (daemon.isDiscovering) return idle;
  const selection = { killSelection: app.killSelection };
  const running = old.filter((facts) => facts.condition === 'Running');
  const failing = running.filter((facts) => !isServing(facts) && !isUncertain(facts));
  const isSettled = daemon.owed === 0 && present.every(isStaying) && current.every(isServing);
  const budget = Math.max(0, serving - minHealthy);
  const first = selectToKill(failing, Math.max(budget, isSettled ? 1 : 0), selection);
  const rest = selectToKill(running.filter(isServing), budget - first.length, selection);
  return [...idle, ...first, ...rest];
}

function explain(tally: Tally, daemon: DaemonFacts): readonly string[] {
  const { present, old, agents, serving, minHealthy } = tally;
  const reasons: string[] = [];
  if (daemon.isDiscovering) reasons.push('offers show which agents can run it');
  else if (!daemon.hasLooked && present.length === 0) reasons.push('no offer has arrived yet');
  if (serving < agents) {
    reasons.push(`${serving} of ${agents} agents run it, healthy and ready`);
  }
  if (daemon.owed > 0)
    reasons.push(`${daemon.owed} agents are to get theirs with their next offer`);
  if (old.length > 0) {
    reasons.push(
      `${old.length} old instances stay for now: ${serving} agents serve and at least ${minHealthy} must`,
    );
  }
  return [...reasons, ...daemon.elsewhere];
}
