import { noResources } from '#core';
import type { ResourcePool } from '#matcher';
import { toWireResources, type WireResource } from '#mesos-v1';

/** With a resource of each role. */
export function toTaskResources(taken: readonly ResourcePool[]): readonly WireResource[] {
  const pools = taken.length > 0 ? taken : [{ role: '*', resources: noResources }];
  return pools.flatMap(({ role, resources }) =>
    toWireResources(resources).map((entry) => ({ ...entry, role })),
  );
}
