import { compileOfferConstraints, type FrameworkTraits, type Quantities } from '#allocator';
import { frameworkId, type RoleName, roleName, toMilli } from '#core';
import type { FrameworkInfo, SchedulerCall } from '#mesos-v1';
import type { Framework, MasterState } from './master-state.js';

/** What a FrameworkInfo says, and whether it may subscribe or be updated to. */

/** The content of SUBSCRIBE and of UPDATE_FRAMEWORK. */
export type Subscription = Extract<SchedulerCall, { readonly type: 'SUBSCRIBE' }>['subscribe'];

/** Undefined: it may. Else the mistake, which an ERROR event tells. */
export function checkSubscription(
  state: MasterState,
  subscription: Subscription,
  given: { readonly asked: string | undefined; readonly principal: string | undefined },
): string | undefined {
  const { asked, principal } = given;
  const info = subscription.framework_info;
  const problem = checkContent(subscription) ?? checkPrincipal(info, principal);
  if (problem !== undefined || asked === undefined) return problem;
  const id = frameworkId(asked);
  if (state.completedFrameworks.has(id)) return 'Framework has been removed';
  const known = state.frameworks.get(id);
  if (known?.isRemoving === true) return 'Framework has been removed';
  if (known === undefined) return undefined;
  // One from before credentials were asked for takes on its principal, and where none are asked for it may name none.
  const isUnowned = known.info.principal === undefined;
  const isAnonymous = principal === undefined && info.principal === undefined;
  return isUnowned || isAnonymous ? undefined : checkSamePrincipal(known, info);
}

/** UPDATE_FRAMEWORK: as for a subscription; moreover principal, user and checkpoint never change. */
export function checkUpdate(framework: Framework, update: Subscription): string | undefined {
  const { info } = framework;
  const next = update.framework_info;
  const content = checkContent(update) ?? checkSamePrincipal(framework, next);
  if (content !== undefined) return content;
  if (next.user !== info.user) {
    return `Updating 'FrameworkInfo.user' from ${info.user} to ${next.user} is unsupported`;
  }
  const checkpoint = info.checkpoint ?? false;
  if ((next.checkpoint ?? false) !== checkpoint) {
    return `Updating 'FrameworkInfo.checkpoint' from ${checkpoint} to ${!checkpoint} is unsupported`;
  }
  return undefined;
}

/** What the allocator has to know of a framework whose subscription was checked. */
export function toFrameworkTraits(subscription: Subscription): FrameworkTraits {
  const { framework_info: info, suppressed_roles, offer_constraints } = subscription;
  const constraints = compileOfferConstraints(offer_constraints ?? {});
  return {
    roles: rolesOf(info),
    suppressedRoles: (suppressed_roles ?? []).map(roleName),
    capabilities: capabilitiesOf(info),
    minAllocatable: minAllocatableOf(info),
    ...(constraints.ok ? { offerConstraints: constraints.byRole } : {}),
  };
}

export const rolesOf = (info: FrameworkInfo): readonly RoleName[] =>
  hasCapability(info, 'MULTI_ROLE')
    ? [...new Set(info.roles ?? [])].map(roleName)
    : [roleName(info.role ?? '*')];

export const capabilitiesOf = (info: FrameworkInfo): ReadonlySet<string> =>
  new Set(info.capabilities?.map(({ type }) => type));

export const hasCapability = (info: FrameworkInfo, type: string): boolean =>
  info.capabilities?.some((capability) => capability.type === type) === true;

/** Milliseconds, at most ten years; Mesos' default is 0: torn down as soon as the stream drops. */
export const failoverTimeoutMs = (info: FrameworkInfo): number =>
  Math.min(Math.max(0, (info.failover_timeout ?? 0) * 1000), MAX_FAILOVER_MS);

/** So that a deadline is always a moment the registry can hold. */
const MAX_FAILOVER_MS = 10 * 365 * 24 * 3600 * 1000;
/** Vectors of one role's offer filter at most. */
const MAX_FILTER_VECTORS = 64;

function checkContent(subscription: Subscription): string | undefined {
  const { framework_info: info, suppressed_roles, offer_constraints } = subscription;
  const problem = checkRoles(info);
  if (problem !== undefined) return problem;
  if ((info.failover_timeout ?? 0) < 0) {
    return `FrameworkInfo.failover_timeout is ${info.failover_timeout}, below 0`;
  }
  const roles = new Set<string>(rolesOf(info));
  const notMine = (names: Iterable<string>) => [...names].find((role) => !roles.has(role));
  const suppressed = notMine(suppressed_roles ?? []);
  if (suppressed !== undefined) {
    return `suppressed_roles has ${echo(suppressed)}, which is not a role of the framework`;
  }
  const constrained = notMine(Object.keys(offer_constraints?.role_constraints ?? {}));
  if (constrained !== undefined) {
    return `offer_constraints has ${echo(constrained)}, which is not a role of the framework`;
  }
  const constraints = compileOfferConstraints(offer_constraints ?? {});
  if (!constraints.ok) return `offer_constraints are invalid: ${constraints.errors.join('; ')}`;
  return checkFilters(info, notMine);
}

function checkRoles(info: FrameworkInfo): string | undefined {
  const isMultiRole = hasCapability(info, 'MULTI_ROLE');
  if (isMultiRole && info.role !== undefined) {
    return `FrameworkInfo.role is ${echo(info.role)} but MULTI_ROLE frameworks give roles`;
  }
  const roles = info.roles ?? [];
  if (!isMultiRole && roles.length > 0) {
    return 'FrameworkInfo.roles needs the capability MULTI_ROLE';
  }
  const twice = roles.find((role, index) => roles.indexOf(role) !== index);
  if (twice !== undefined) return `FrameworkInfo.roles has ${echo(twice)} twice`;
  for (const role of rolesOf(info)) {
    if (!isRoleName(role)) return `Role ${echo(role)} is invalid`;
  }
  return undefined;
}

function checkFilters(
  info: FrameworkInfo,
  notMine: (names: Iterable<string>) => string | undefined,
): string | undefined {
  const filters = info.offer_filters ?? {};
  const role = notMine(Object.keys(filters));
  if (role !== undefined) {
    return `FrameworkInfo.offer_filters has ${echo(role)}, which is not a role of the framework`;
  }
  for (const [name, { min_allocatable_resources }] of Object.entries(filters)) {
    const path = `FrameworkInfo.offer_filters.${name}.min_allocatable_resources`;
    const vectors = min_allocatable_resources?.quantities ?? [];
    if (vectors.length > MAX_FILTER_VECTORS) {
      return `${path} has ${vectors.length} quantities; at most ${MAX_FILTER_VECTORS} are allowed`;
    }
    for (const { quantities } of vectors) {
      for (const [resource, { value }] of Object.entries(quantities)) {
        if (!(value >= 0)) return `${path}: ${echo(resource)} is ${value}, below 0`;
      }
    }
  }
  return undefined;
}

function checkPrincipal(info: FrameworkInfo, principal: string | undefined): string | undefined {
  return principal !== undefined && info.principal !== undefined && info.principal !== principal
    ? `FrameworkInfo.principal is ${echo(info.principal)} but the request's is ${principal}`
    : undefined;
}

function checkSamePrincipal(known: Framework, info: FrameworkInfo): string | undefined {
  const before = known.info.principal;
  return before === info.principal
    ? undefined
    : `Changing FrameworkInfo.principal from ${before ?? 'none'} to ${info.principal ?? 'none'} is not allowed`;
}

function minAllocatableOf(info: FrameworkInfo): ReadonlyMap<RoleName, readonly Quantities[]> {
  const byRole = new Map<RoleName, readonly Quantities[]>();
  for (const [role, filter] of Object.entries(info.offer_filters ?? {})) {
    const vectors = filter.min_allocatable_resources?.quantities;
    if (vectors === undefined) continue;
    byRole.set(
      roleName(role),
      vectors.map(({ quantities }) =>
        Object.fromEntries(
          Object.entries(quantities).map(([name, { value }]) => [name, toMilli(value)]),
        ),
      ),
    );
  }
  return byRole;
}

const echo = (name: string): string => JSON.stringify(name.slice(0, MAX_ECHO));
const MAX_ECHO = 128;

/** `*`, or a path of names. */
export const isRoleName = (role: string): boolean =>
  role === '*' || role.split('/').every((part) => part !== '*' && ROLE_PATTERN.test(part));

/** One part of a role: no blanks, slashes or control characters, no leading dash, neither `.` nor `..`. */
const ROLE_PATTERN = /^(?!-)(?!\.{1,2}$)[^\s/\\\p{Cc}]+$/u;
