import { formatKey, nameOfKey, type Resources, reservedRole, traitsOfKey } from '#core';
import type { WireResource } from '#mesos-v1';

const MAX_ID_LENGTH = 255;

/** What is wrong with the id of a task or an executor, which names a folder of the agent. */
export function findIdDefect(id: string): string | undefined {
  if (id.length > MAX_ID_LENGTH) return `is longer than ${MAX_ID_LENGTH} characters`;
  if (id === '.' || id === '..') return 'is not allowed';
  for (const char of id) {
    const code = char.codePointAt(0) ?? 0;
    if (char === '/' || char === '\\' || code < 0x20 || code === 0x7f) {
      return `contains the character ${JSON.stringify(char)}`;
    }
  }
  return undefined;
}

/** A duration that is not one, or of which no timer is; nothing is wrong with one that is not given. */
export function findDurationDefect(
  name: string,
  nanoseconds: number | undefined,
  max: number,
): string | undefined {
  if (nanoseconds === undefined) return undefined;
  const isSound = Number.isInteger(nanoseconds) && nanoseconds >= 0 && nanoseconds <= max;
  return isSound ? undefined : `${name} is ${nanoseconds} ns, not a whole number from 0 to ${max}`;
}

/** Amounts no agent can have. */
export function findAmountDefect(resources: readonly WireResource[]): string | undefined {
  for (const resource of resources) {
    const { name } = resource;
    if (resource.type === 'SCALAR') {
      const value = resource.scalar?.value;
      if (value === undefined) return `resource ${name} has no scalar value`;
      if (!(value >= 0)) return `resource ${name} is ${value}, below 0`;
    }
    if (resource.type === 'RANGES' && resource.ranges === undefined) {
      return `resource ${name} has no ranges`;
    }
    if (resource.type === 'SET') return `resource ${name} is a SET, which no agent offers`;
    if (resource.shared !== undefined) return `resource ${name}: shared volumes are not supported`;
    for (const { begin, end } of resource.ranges?.range ?? []) {
      if (!Number.isInteger(begin) || !Number.isInteger(end) || begin < 0 || begin > end) {
        return `resource ${name} has the range ${begin}-${end}`;
      }
    }
  }
  return undefined;
}

/** What is reserved may be used by its role and those below it: not even on what the same call has just reserved. */
export function findForeignReservation(used: Resources, role: string): string | undefined {
  for (const key of [...Object.keys(used.scalars), ...Object.keys(used.ranges)]) {
    const owner = reservedRole(key);
    if (owner !== undefined && owner !== role && !role.startsWith(`${owner}/`)) {
      return `uses ${formatKey(key)}, but the offer is for the role ${role}`;
    }
  }
  return undefined;
}

/** A task, with its executor, uses a resource either revocable or not. */
export function findMixedRevocable(used: Resources): string | undefined {
  const kinds = new Map<string, boolean>();
  for (const key of [...Object.keys(used.scalars), ...Object.keys(used.ranges)]) {
    const name = nameOfKey(key);
    const { isRevocable } = traitsOfKey(key);
    const before = kinds.get(name);
    if (before !== undefined && before !== isRevocable) {
      return `uses both revocable and non-revocable ${name}`;
    }
    kinds.set(name, isRevocable);
  }
  return undefined;
}
