import type { Offender } from './isolate-offenders.js';

/** Where a configuration failed: `check` is what HAProxy says of its text; `start` is that it did not come up. */
export type RefusalStage = 'base' | 'check' | 'start';

/** A configuration was refused or did not come up; the last good one serves on. */
export class EdgeRefusedError extends Error {
  readonly code = 'EDGE_REFUSED';
  readonly offenders: readonly Offender[];

  constructor(
    message: string,
    readonly stage: RefusalStage,
    options: ErrorOptions & {
      /** Whom HAProxy named when it did not start. */
      readonly offenders?: readonly Offender[];
    } = {},
  ) {
    super(message, options);
    this.offenders = options.offenders ?? [];
  }
}
