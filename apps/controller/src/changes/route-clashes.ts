import type { RootGroup } from '#core';
import { type Declaration, type FieldProblem, MAX_NAMED_PROBLEMS } from '#marathon-v2';
import { ApiError } from '#platform';
import { describeClash, RouteClaimIndex } from '#routing';
import { findRouteClashes } from './find-route-clashes.js';
import { warnOfPlainPorts } from './plain-ports.js';

/**
 * Refuses changes after which two apps would ask the edge for the same host and path, or the same port. What an app asked
 * for before it may go on asking for: that is only warned of.
 */
export class RouteClashes {
  private readonly index = new RouteClaimIndex();

  constructor(private readonly reservedPorts: ReadonlySet<number>) {}

  /** Warnings; throws a 422 that names the label, the value and the other app. */
  check(root: RootGroup, declared: Declaration): readonly string[] {
    if (declared.putApps.length === 0) return [];
    this.index.follow(root.apps);
    const { refused, kept } = findRouteClashes(this.index, this.reservedPorts, { root, declared });
    const problems = new Map<string, string[]>();
    for (const clash of refused) {
      if (problems.size >= MAX_NAMED_PROBLEMS) break;
      const { where } = clash.claim;
      problems.set(where, [...(problems.get(where) ?? []), describeClash(clash)]);
    }
    if (problems.size > 0) {
      const details: FieldProblem[] = [...problems].map(([path, errors]) => ({ path, errors }));
      throw new ApiError(422, 'Object is not valid', { details });
    }
    return [...kept.map(describeClash), ...warnOfPlainPorts(root, declared)];
  }

  /** Whether an app of this root asks the edge for a port. */
  isPortClaimed(root: RootGroup, port: number): boolean {
    this.index.follow(root.apps);
    return this.index.claimantsOfPort(port).length > 0;
  }
}
