import { frameworkId, type RoleName, roleName } from '#core';
import type { FrameworkInfo } from '#mesos-v1';
import type { MasterState } from './master-state.js';

/** What a FrameworkInfo says, and whether it may subscribe. */

/** Undefined: it may. Else the mistake, which an ERROR event tells. */
export function checkSubscription(
  state: MasterState,
  info: FrameworkInfo,
  given: { readonly asked: string | undefined; readonly principal: string | undefined },
): string | undefined {
  const { asked, principal } = given;
  const isMultiRole = hasCapability(info, 'MULTI_ROLE');
  if (isMultiRole && info.role !== undefined) {
    return `FrameworkInfo.role is ${info.role} but MULTI_ROLE frameworks give roles`;
  }
  if (!isMultiRole && (info.roles?.length ?? 0) > 0) {
    return 'FrameworkInfo.roles needs the capability MULTI_ROLE';
  }
  for (const role of rolesOf(info)) {
    if (!role.split('/').every((part) => ROLE_PATTERN.test(part))) {
      return `Role ${JSON.stringify(role)} is invalid`;
    }
  }
  if (principal !== undefined && info.principal !== undefined && info.principal !== principal) {
    return `FrameworkInfo.principal is ${info.principal} but the request's is ${principal}`;
  }
  if (asked === undefined) return undefined;
  const id = frameworkId(asked);
  if (state.completedFrameworks.has(id)) return 'Framework has been removed';
  const known = state.frameworks.get(id);
  if (known?.isRemoving === true) return 'Framework has been removed';
  // One from before credentials were asked for takes on its principal, and where none are asked for it may name none.
  const owner = known?.info.principal;
  const isAnonymous = principal === undefined && info.principal === undefined;
  if (owner !== undefined && owner !== info.principal && !isAnonymous) {
    return `Changing FrameworkInfo.principal from ${owner} to ${info.principal ?? 'none'} is not allowed`;
  }
  return undefined;
}

export const rolesOf = (info: FrameworkInfo): readonly RoleName[] =>
  hasCapability(info, 'MULTI_ROLE')
    ? [...new Set(info.roles ?? [])].map(roleName)
    : [roleName(info.role ?? '*')];

export const hasCapability = (info: FrameworkInfo, type: string): boolean =>
  info.capabilities?.some((capability) => capability.type === type) === true;

/** Milliseconds, at most ten years; Mesos' default is 0: torn down as soon as the stream drops. */
export const failoverTimeoutMs = (info: FrameworkInfo): number =>
  Math.min(Math.max(0, (info.failover_timeout ?? 0) * 1000), MAX_FAILOVER_MS);

/** So that a deadline is always a moment the registry can hold. */
const MAX_FAILOVER_MS = 10 * 365 * 24 * 3600 * 1000;

/** One part of a role: no blanks, slashes or control characters, no leading dash, neither `.` nor `..`. */
const ROLE_PATTERN = /^(?!-)(?!\.{1,2}$)[^\s/\\\p{Cc}]+$/u;
