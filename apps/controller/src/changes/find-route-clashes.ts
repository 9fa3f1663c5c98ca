import type { RootDelta, RootGroup } from '#core';
import type { RouteClaimIndex, RouteClash } from '#routing';
import { findPlainPortClashes } from './plain-ports.js';

/** What apps of a change ask the edge for and cannot have. */
export interface FoundClashes {
  /** New ones: the change is not to be taken. */
  readonly refused: readonly RouteClash[];
  /** Those that were there before, and those of apps without a label of the edge, which need not mean it: only warned of. */
  readonly kept: readonly RouteClash[];
}

/** Judges a change of `root`, whose apps `claims` has followed. */
export function findRouteClashes(
  claims: RouteClaimIndex,
  reservedPorts: ReadonlySet<number>,
  { root, declared }: { readonly root: RootGroup; readonly declared: RootDelta },
): FoundClashes {
  const clashes = claims.findClashes(declared, reservedPorts);
  const plain = findPlainPortClashes(root, declared, { claims, reservedPorts });
  return {
    refused: clashes.filter(({ isNew }) => isNew),
    kept: [...clashes.filter(({ isNew }) => !isNew), ...plain],
  };
}
