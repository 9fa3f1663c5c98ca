import type { Route } from '#routing';
import type { BaseConfig } from './base-config.js';
import { namedOffenders, type Offender } from './isolate-offenders.js';
import { parseRefusal } from './parse-refusal.js';

/** A configuration HAProxy did not come up with. */
export interface FailedStart {
  readonly text: string;
  readonly routes: readonly Route[];
  /** What HAProxy wrote meanwhile. */
  readonly said: string;
  readonly error: unknown;
}

/**
 * Whom HAProxy named. When it is none of the routes, the operator's file is given up: at once if HAProxy named a line of
 * it, else when it happens again, as a machine may just have been slow.
 */
export function blameStart(
  { text, routes, said, error }: FailedStart,
  base: Pick<BaseConfig, 'doubt' | 'refuse'> | undefined,
  baseConfig: string | undefined,
): readonly Offender[] {
  const offenders = namedOffenders(text, routes, said);
  if (offenders.length > 0 || baseConfig === undefined) return offenders;
  const lines = text.split('\n');
  const ofBase = new Set(baseConfig.split('\n').map((line) => line.trim()));
  const named = parseRefusal(said).find(({ line }) => ofBase.has(lines[line - 1]?.trim() ?? ''));
  if (named === undefined) base?.doubt(baseConfig, String(error));
  else base?.refuse(baseConfig, named.message);
  return [];
}
