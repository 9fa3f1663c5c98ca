import {
  formatKey,
  formatRanges,
  fromMilli,
  type Resources,
  rangesOf,
  scalarMilli,
  subtractRanges,
} from '#core';
import { type AgentInfo, decodeResources, type WireAttribute } from '#mesos-v1';

/** What an agent is to a master that knows it, and keeps over a restart. */
export type AgentDescription = Pick<AgentInfo, 'hostname' | 'resources' | 'attributes'>;

/** Mesos': what may be different after a restart: nothing, what only adds to it, anything. */
export const RECONFIGURATION_POLICIES = ['equal', 'additive', 'any'] as const;
export type ReconfigurationPolicy = (typeof RECONFIGURATION_POLICIES)[number];

/** What the policy does not allow, each with the old and the new value. Amounts and attributes not listed are as before. */
export function findReconfiguration(
  before: AgentDescription,
  after: AgentDescription,
  policy: ReconfigurationPolicy,
): readonly string[] {
  if (policy === 'any') return [];
  const isAdditive = policy === 'additive';
  const hostname =
    before.hostname === after.hostname
      ? []
      : [describe('hostname', before.hostname, after.hostname)];
  const [old, now] = [decodeResources(before.resources), decodeResources(after.resources)];
  return [
    ...hostname,
    ...findResources(old, now, isAdditive),
    ...findAttributes(before.attributes, after.attributes, isAdditive),
  ];
}

const describe = (what: string, before: string, after: string): string =>
  `${what} was ${before}, is ${after}`;

function findResources(before: Resources, after: Resources, isAdditive: boolean): string[] {
  const found: string[] = [];
  const names = (one: 'scalars' | 'ranges') =>
    [...new Set([...Object.keys(before[one]), ...Object.keys(after[one])])].sort();
  for (const key of names('scalars')) {
    const [old, now] = [scalarMilli(before, key), scalarMilli(after, key)];
    if (old === now || (isAdditive && old < now)) continue;
    found.push(describe(formatKey(key), String(fromMilli(old)), String(fromMilli(now))));
  }
  for (const key of names('ranges')) {
    const [old, now] = [rangesOf(before, key), rangesOf(after, key)];
    const isLess = subtractRanges(old, now).length > 0;
    const isMore = subtractRanges(now, old).length > 0;
    if (isLess || (isMore && !isAdditive)) {
      found.push(describe(formatKey(key), formatRanges(old), formatRanges(now)));
    }
  }
  return found;
}

/** A name may stand for several values. */
function findAttributes(
  before: readonly WireAttribute[],
  after: readonly WireAttribute[],
  isAdditive: boolean,
): string[] {
  const names = [...new Set([...before, ...after].map(({ name }) => name))].sort();
  return names.flatMap((name) => {
    const of = (all: readonly WireAttribute[]) => all.filter((one) => one.name === name);
    const [old, now] = [of(before), of(after)];
    const isKept = old.every((one) => now.some((other) => contains(other, one)));
    const isSame = formatAll(old) === formatAll(now);
    return isSame || (isAdditive && isKept)
      ? []
      : [describe(`attribute ${name}`, formatAll(old), formatAll(now))];
  });
}

function contains(whole: WireAttribute, part: WireAttribute): boolean {
  if (whole.type !== part.type) return false;
  if (part.type === 'RANGES') {
    return subtractRanges(part.ranges?.range ?? [], whole.ranges?.range ?? []).length === 0;
  }
  if (part.type === 'SET') {
    return (part.set?.item ?? []).every((item) => whole.set?.item.includes(item));
  }
  return formatValue(whole) === formatValue(part);
}

const formatAll = (all: readonly WireAttribute[]): string =>
  all.length === 0 ? 'absent' : all.map(formatValue).sort().join(' and ');

function formatValue({ type, text, scalar, ranges, set }: WireAttribute): string {
  switch (type) {
    case 'TEXT':
      return JSON.stringify(text?.value ?? '');
    case 'SCALAR':
      return String(scalar?.value);
    case 'RANGES':
      return formatRanges(ranges?.range ?? []);
    case 'SET':
      return `{${[...(set?.item ?? [])].sort().join(', ')}}`;
    default:
      return type satisfies never;
  }
}
