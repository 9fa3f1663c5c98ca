import type { FastifyReply, FastifyRequest } from 'fastify';
import type { WireTask } from '#marathon-v2';
import { ApiError } from '#platform';
import { type AskedBy, askedBy } from '../changes/asked-by.js';
import { type ChangeResult, describeChange } from '../changes/root-writer.js';
import { type Query, readFlag } from '../http/query.js';

export interface KillOptions extends AskedBy {
  /** Lowers the instance count instead of replacing what is killed. */
  readonly scale: boolean;
  readonly force: boolean;
  /** Also gives reservations and volumes up. */
  readonly wipe: boolean;
}

/** What became of a kill: the tasks it hit, or the deployment that scales down. */
export type KillResult =
  | { readonly kind: 'killed'; readonly tasks: readonly WireTask[] }
  | { readonly kind: 'scaled'; readonly change: ChangeResult };

export function readKillOptions(request: FastifyRequest): KillOptions {
  const query = request.query as Query;
  const options = {
    ...askedBy(request),
    scale: readFlag(query, 'scale', false),
    force: readFlag(query, 'force', false),
    wipe: readFlag(query, 'wipe', false),
  };
  if (options.scale && options.wipe) {
    throw new ApiError(400, 'You cannot use scale and wipe at the same time.');
  }
  return options;
}

/** The body of the answer; names the deployment in a header when there is one. */
export const killBody = (
  reply: FastifyReply,
  result: KillResult,
  describe: (tasks: readonly WireTask[]) => unknown,
): unknown =>
  result.kind === 'scaled' ? describeChange(reply, result.change) : describe(result.tasks);
