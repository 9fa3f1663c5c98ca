/** Where a configuration failed: `check` is what HAProxy says of its text; `start` is that it did not come up. */
export type RefusalStage = 'base' | 'check' | 'start';

/** A configuration was refused or did not come up; the last good one serves on. */
export class EdgeRefusedError extends Error {
  readonly code = 'EDGE_REFUSED';

  constructor(
    message: string,
    readonly stage: RefusalStage,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
