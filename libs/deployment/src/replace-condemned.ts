import { plainCapacity } from './capacity.js';
import { type InstanceFacts, isAlive, isLeaving, isServing } from './instance-facts.js';
import { selectToKill } from './kill-selection.js';
import {
  DEFAULT_UNHEALTHY_LIMITS,
  type RolloutInput,
  type UnhealthyLimits,
} from './rollout-input.js';

interface Allowance {
  /** How many condemned instances may be replaced at the same time. */
  readonly count: number;
  readonly reasons: readonly string[];
}

/**
 * Replaces instances that failed their health checks: the replacement starts first while the over capacity has room,
 * and the old one goes when it serves or after replacementWaitMs; without over capacity the kill comes first. Too many
 * condemned at once points at the checks or a dependency, not at the instances (circuit breaker): then none is killed
 * for holdMs, and afterwards one at a time, the next one only when the last replacement serves.
 */
export function replaceCondemned(
  input: RolloutInput,
  staying: readonly InstanceFacts[],
  sound: readonly InstanceFacts[],
): {
  readonly launch: number;
  readonly retire: readonly InstanceFacts[];
  readonly reasons: readonly string[];
} {
  const wanted = input.app.instances;
  const limits = input.limits ?? DEFAULT_UNHEALTHY_LIMITS;
  const condemned = staying.filter((facts) => facts.condemned !== undefined);
  const soundServing = sound.filter(isServing).length;
  const missing = Math.max(0, wanted - staying.length);
  const leaving = input.instances.filter((facts) => isAlive(facts) && isLeaving(facts)).length;
  const isBusy = leaving + missing + (sound.length - soundServing) > 0;
  const allowance = allowReplacements({ total: staying.length, condemned, isBusy, limits, input });

  const started = Math.max(0, staying.length - wanted);
  const { maxCapacity } = plainCapacity(input.app);
  const room = Math.max(0, maxCapacity - staying.length - leaving - missing);
  const starting = Math.max(
    0,
    Math.min(allowance.count - started, condemned.length - started, room),
  );

  const proven =
    soundServing >= wanted
      ? condemned.length
      : Math.max(0, soundServing - Math.max(0, wanted - condemned.length));
  const expired = condemned.filter(
    (facts) => input.now.monoMs - (facts.condemned?.sinceMonoMs ?? 0) >= limits.replacementWaitMs,
  ).length;
  const unproven = Math.min(allowance.count, maxCapacity <= wanted ? condemned.length : expired);
  return {
    launch: missing + starting,
    retire: selectToKill(condemned, Math.max(proven, unproven), {
      killSelection: input.app.killSelection,
    }),
    reasons: allowance.reasons,
  };
}

function allowReplacements(about: {
  readonly total: number;
  readonly condemned: readonly InstanceFacts[];
  readonly isBusy: boolean;
  readonly limits: UnhealthyLimits;
  readonly input: RolloutInput;
}): Allowance {
  const { total, condemned, isBusy, limits, input } = about;
  const isOpen = condemned.length >= 2 && condemned.length > total * limits.breakerShare;
  if (!isOpen) return { count: condemned.length, reasons: [] };
  const latestMs = Math.max(...condemned.map((facts) => facts.condemned?.sinceMonoMs ?? 0));
  const leftMs = latestMs + limits.holdMs - input.now.monoMs;
  const what =
    `${condemned.length} of ${total} instances are unhealthy at once, ` +
    `more than ${Math.round(limits.breakerShare * 100)} %`;
  return leftMs > 0
    ? { count: 0, reasons: [`${what}: none is killed for ${Math.ceil(leftMs / 1000)} s`] }
    : { count: isBusy ? 0 : 1, reasons: [`${what}: they are replaced one at a time`] };
}
