import {
  type ContainerResources,
  normaliseRanges,
  portRanges,
  type Resources,
  scalarMilli,
  subtractResources,
  toMilli,
} from '#core';
import type { ResourcePool } from '#matcher';

/** Takes one part out of what an instance takes, role by role: of a member of its group, or of its executor. */
export function shareOut(
  pools: readonly ResourcePool[],
  wanted: ContainerResources,
  ports: readonly number[],
): { readonly taken: readonly ResourcePool[]; readonly rest: readonly ResourcePool[] } {
  const needs = new Map<string, number>(
    (['cpus', 'mem', 'disk', 'gpus'] as const).map((name) => [name, toMilli(wanted[name])]),
  );
  const left = new Set(ports);
  const taken: ResourcePool[] = [];
  const rest = pools.map(({ role, resources }) => {
    const part = partOf(resources, needs, left);
    taken.push({ role, resources: part });
    return { role, resources: subtractResources(resources, part) };
  });
  return { taken, rest };
}

function partOf(from: Resources, needs: Map<string, number>, ports: Set<number>): Resources {
  const scalars: Record<string, number> = {};
  for (const [name, need] of needs) {
    const part = Math.min(need, scalarMilli(from, name));
    if (part <= 0) continue;
    scalars[name] = part;
    needs.set(name, need - part);
  }
  const held = [...ports].filter((port) =>
    portRanges(from).some(({ begin, end }) => begin <= port && port <= end),
  );
  for (const port of held) ports.delete(port);
  const ranges = held
    .sort((left, right) => left - right)
    .map((port) => ({ begin: port, end: port }));
  return { scalars, ranges: ranges.length > 0 ? { ports: normaliseRanges(ranges) } : {} };
}
