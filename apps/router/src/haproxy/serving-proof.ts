import { type EdgeModel, planEdgeUpdate } from '#routing';
import type { AppliedEdge } from './applied-edge.js';

const SERVING_TIMEOUT_MS = 5_000;
const SERVING_POLL_MS = 10;

type WorkerSight = Pick<AppliedEdge, 'mark' | 'workerPid'>;

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
  look: {
    /** Which worker answers. */
    readonly peek: () => Promise<WorkerSight>;
    /** All it has, which is much: asked for once it is the right one. */
    readonly read: () => Promise<AppliedEdge>;
    readonly isGone: () => boolean;
  },
  expected: ServingExpectation,
): Promise<void> {
  const deadlineMs = performance.now() + SERVING_TIMEOUT_MS;
  for (;;) {
    const amiss = await explainWorker(look, expected).catch(String);
    if (amiss === undefined) return;
    if (look.isGone()) throw new Error('HAProxy ended');
    if (performance.now() > deadlineMs) throw new Error(`${amiss}, after ${SERVING_TIMEOUT_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, SERVING_POLL_MS));
  }
}

async function explainWorker(
  look: Pick<Parameters<typeof proveServing>[0], 'peek' | 'read'>,
  expected: ServingExpectation,
): Promise<string | undefined> {
  return explain(await look.peek(), expected) ?? explainAll(await look.read(), expected);
}

const explainAll = (applied: AppliedEdge, expected: ServingExpectation): string | undefined =>
  explain(applied, expected) ?? expected.explainDifference?.(applied);

function explain(sight: WorkerSight, { mark, formerPid }: ServingExpectation): string | undefined {
  if (mark !== undefined && sight.mark !== mark) {
    return `no worker with ${mark}, but one with ${sight.mark ?? 'no mark'}`;
  }
  if (sight.workerPid === undefined) return 'the worker does not tell its pid';
  return sight.workerPid === formerPid ? `no new worker, still pid ${formerPid}` : undefined;
}

/** What a new worker has otherwise than its file says. */
export function explainDifference(applied: AppliedEdge, model: EdgeModel): string | undefined {
  const [first] = planEdgeUpdate(applied, model);
  return first === undefined ? undefined : `it lacks ${JSON.stringify(first)}`;
}
