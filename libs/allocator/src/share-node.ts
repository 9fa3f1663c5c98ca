import type { RoleName } from '#core';
import type { Sums } from './quantities.js';

/**
 * One place in the tree of shares: the root, a role, the virtual leaf `.` that holds a role's own frameworks, or a
 * framework. The tree owns and mutates it.
 */
export interface ShareNode<Leaf> {
  readonly name: string;
  readonly parent: ShareNode<Leaf> | undefined;
  /** Set on the virtual leaf of a role. */
  readonly role: RoleName | undefined;
  /** Set on frameworks. */
  readonly leaf: Leaf | undefined;
  readonly children: Map<string, ShareNode<Leaf>>;
  readonly allocated: Sums;
  weight: number;
  /** Allocations made so far: breaks ties, so that equal shares alternate. */
  allocations: number;
  /** Weighted dominant share; true while the level it stands in is in order. */
  share: number;
  /** Frameworks below (or this one) that are visited. */
  activeLeaves: number;
  /** Active children, lowest share first, when {@link sortedAt} is the tree's version of the totals. */
  sorted: ShareNode<Leaf>[];
  sortedAt: number;
}

export function createShareNode<Leaf>(given: {
  readonly name: string;
  readonly parent: ShareNode<Leaf> | undefined;
  readonly role?: RoleName;
  readonly leaf?: Leaf;
  readonly weight?: number;
}): ShareNode<Leaf> {
  return {
    name: given.name,
    parent: given.parent,
    role: given.role,
    leaf: given.leaf,
    children: new Map(),
    allocated: new Map(),
    weight: given.weight ?? 1,
    allocations: 0,
    share: 0,
    activeLeaves: 0,
    sorted: [],
    sortedAt: -1,
  };
}

/** Weighted dominant share first, then fewer allocations, then name, so that runs repeat. */
export function compareSiblings<Leaf>(left: ShareNode<Leaf>, right: ShareNode<Leaf>): number {
  if (left.share !== right.share) return left.share - right.share;
  if (left.allocations !== right.allocations) return left.allocations - right.allocations;
  if (left.name === right.name) return 0;
  return left.name < right.name ? -1 : 1;
}

/** The first index of a sorted level whose node is not before `node`. O(log n). */
export function positionOf<Leaf>(
  sorted: readonly ShareNode<Leaf>[],
  node: ShareNode<Leaf>,
): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = sorted[middle];
    if (other !== undefined && compareSiblings(other, node) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
