import type { LimitOverride } from '#deployment';
import { MAX_DEADLINE_SECONDS } from '#marathon-v2';
import { type Query, readCount, readFlag } from '../http/query.js';

const MAX_FAILURES = 2_147_483_647;

/** Limits asked for with one write, for its deployment alone. */
export function readLimits(query: Query): { readonly limits?: LimitOverride } {
  const has = (name: string): boolean => query[name] !== undefined;
  const limits: LimitOverride = {
    ...(has('deadlineSeconds')
      ? {
          deadlineSeconds: readCount(query, 'deadlineSeconds', {
            fallback: 1,
            min: 1,
            max: MAX_DEADLINE_SECONDS,
          }),
        }
      : {}),
    ...(has('maxFailures')
      ? { maxFailures: readCount(query, 'maxFailures', { fallback: 0, min: 0, max: MAX_FAILURES }) }
      : {}),
    ...(has('autoRollback') ? { autoRollback: readFlag(query, 'autoRollback', true) } : {}),
  };
  return Object.keys(limits).length === 0 ? {} : { limits };
}
