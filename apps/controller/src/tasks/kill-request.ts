import type { FastifyReply, FastifyRequest } from 'fastify';
import type { WireTask } from '#marathon-v2';
import { ApiError } from '#platform';
import { type AskedBy, askedBy } from '../changes/asked-by.js';
import { describePreview } from '../changes/describe-preview.js';
import { type CarriedOutChange, describeChange } from '../changes/root-writer.js';
import type { ChangePreview } from '../engine/change-preview.port.js';
import { type Query, readFlag } from '../http/query.js';

export interface KillOptions extends AskedBy {
  /** Lowers the instance count instead of replacing what is killed. */
  readonly scale: boolean;
  /** Replaces a deployment when it scales; else kills at once, without draining. */
  readonly force: boolean;
  /** Also gives reservations and volumes up. */
  readonly wipe: boolean;
  readonly dryRun: boolean;
}

/** What became of a kill: the tasks it hit, or the deployment that scales down. */
export type KillResult =
  | { readonly kind: 'killed'; readonly tasks: readonly WireTask[] }
  | { readonly kind: 'scaled'; readonly change: CarriedOutChange }
  | { readonly kind: 'previewed'; readonly preview: ChangePreview };

export function readKillOptions(request: FastifyRequest): KillOptions {
  const query = request.query as Query;
  const options = {
    ...askedBy(request),
    scale: readFlag(query, 'scale', false),
    force: readFlag(query, 'force', false),
    wipe: readFlag(query, 'wipe', false),
    dryRun: readFlag(query, 'dryRun', false),
  };
  if (options.scale && options.wipe) {
    throw new ApiError(400, 'You cannot use scale and wipe at the same time.');
  }
  return options;
}

/** The body of the answer; names the deployment in a header when there is one. */
export function killBody(
  reply: FastifyReply,
  result: KillResult,
  describe: (tasks: readonly WireTask[]) => unknown,
): unknown {
  switch (result.kind) {
    case 'killed':
      return describe(result.tasks);
    case 'scaled':
      return describeChange(reply, result.change);
    case 'previewed':
      return describePreview(result.preview, []);
    default:
      return result satisfies never;
  }
}
