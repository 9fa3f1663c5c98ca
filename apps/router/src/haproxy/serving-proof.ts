import { type EdgeModel, planEdgeUpdate } from '#routing';
import type { AppliedEdge } from './applied-edge.js';

const SERVING_TIMEOUT_MS = 5_000;
const SERVING_POLL_MS = 10;

export interface ServingExpectation {
  /** What the worker was started with; any when undefined. */
  readonly mark?: string | undefined;
  /** The worker that must not be the one that answers. */
  readonly formerPid?: number | undefined;
  /** Why what the worker has is not what is wanted; undefined: it is. */
  readonly explainDifference?: (applied: AppliedEdge) => string | undefined;
}

/**
 * Resolves when a worker answers that is the expected one and has what is wanted. Rejects with what was amiss when there is
 * none within 5 s, and at once when `isGone`.
 */
export async function proveServing(
  look: { readonly read: () => Promise<AppliedEdge>; readonly isGone: () => boolean },
  expected: ServingExpectation,
): Promise<void> {
  const deadlineMs = performance.now() + SERVING_TIMEOUT_MS;
  for (;;) {
    const amiss = await look.read().then(
      (applied) => explain(applied, expected),
      (error: unknown) => String(error),
    );
    if (amiss === undefined) return;
    if (look.isGone()) throw new Error('HAProxy ended');
    if (performance.now() > deadlineMs) throw new Error(`${amiss}, after ${SERVING_TIMEOUT_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, SERVING_POLL_MS));
  }
}

function explain(applied: AppliedEdge, expected: ServingExpectation): string | undefined {
  const { mark, formerPid, explainDifference } = expected;
  if (mark !== undefined && applied.mark !== mark) {
    return `no worker with ${mark}, but one with ${applied.mark ?? 'no mark'}`;
  }
  if (applied.workerPid === undefined) return 'the worker does not tell its pid';
  if (applied.workerPid === formerPid) return `no new worker, still pid ${formerPid}`;
  return explainDifference?.(applied);
}

/** What a new worker has otherwise than its file says. */
export function explainDifference(applied: AppliedEdge, model: EdgeModel): string | undefined {
  const [first] = planEdgeUpdate(applied, model);
  return first === undefined ? undefined : `it lacks ${JSON.stringify(first)}`;
}
