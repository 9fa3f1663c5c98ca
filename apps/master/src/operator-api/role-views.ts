import type { MasterState } from '#cluster';
import { fromMilli, type RoleName, roleName } from '#core';
import type { WireResource } from '#mesos-v1';

/** Roles: those of frameworks, and all above them, as the allocator sees them. */

interface RoleFrameworks {
  readonly role: RoleName;
  readonly frameworkIds: readonly string[];
}

/** /roles. Amounts of a role are with those of the roles below it. */
export const legacyRoles = (state: MasterState): object => ({
  roles: rolesOf(state).map(({ role, frameworkIds }) => {
    const usage = state.allocator.roleUsage(role);
    return {
      name: role,
      weight: usage.weight,
      frameworks: frameworkIds,
      resources: toUnits(usage.allocated),
      allocated: toUnits(usage.allocated),
      reserved: toUnits(usage.reserved),
      share: usage.share,
      ...(usage.quota === undefined
        ? {}
        : {
            quota: {
              role,
              guarantee: toUnits(usage.quota.guarantees),
              limit: toUnits(usage.quota.limits),
              consumed: toUnits(usage.consumed),
            },
          }),
    };
  }),
});

/** GET_ROLES. */
export const viewRoles = (state: MasterState): object => ({
  roles: rolesOf(state).map(({ role, frameworkIds }) => {
    const { weight, allocated } = state.allocator.roleUsage(role);
    return {
      name: role,
      weight,
      frameworks: frameworkIds.map((value) => ({ value })),
      resources: Object.entries(allocated)
        .filter(([, milli]) => milli > 0)
        .map(
          ([name, milli]): WireResource => ({
            name,
            type: 'SCALAR',
            scalar: { value: fromMilli(milli) },
            allocation_info: { role },
          }),
        ),
    };
  }),
});

/** Thousandths by name, as units. */
export const toUnits = (
  quantities: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.entries(quantities).map(([name, milli]) => [name, fromMilli(milli)]));

/** In alphabetical order, also those with no framework but a weight, a quota, reservations or roles below them. */
export function rolesOf(state: MasterState): readonly RoleFrameworks[] {
  const byRole = new Map<string, string[]>(state.allocator.knownRoles().map((role) => [role, []]));
  for (const framework of state.frameworks.values()) {
    for (const role of framework.roles) {
      for (const above of ancestorsOf(role)) if (!byRole.has(above)) byRole.set(above, []);
      byRole.get(role)?.push(framework.id);
    }
  }
  return [...byRole]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([role, frameworkIds]) => ({ role: roleName(role), frameworkIds }));
}

/** `a/b/c`: `a`, `a/b`, `a/b/c`. */
const ancestorsOf = (role: string): readonly string[] =>
  role.split('/').map((_, index, parts) => parts.slice(0, index + 1).join('/'));
