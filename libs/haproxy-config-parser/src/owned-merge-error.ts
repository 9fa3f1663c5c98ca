/** Why owned parts cannot be merged into a base configuration. */
export type OwnedMergeErrorCode =
  | 'invalid-owner'
  | 'invalid-part-name'
  | 'repeated-part'
  | 'begin-without-end'
  | 'end-without-begin'
  | 'nested-block'
  | 'repeated-block'
  | 'open-condition'
  | 'unbalanced-part'
  | 'mark-in-part'
  | 'ambiguous-section'
  | 'section-of-another-owner'
  | 'statement-after-block'
  | 'proxy-clash'
  | 'section-clash';

/** Where in the files the fault lies. */
export interface OwnedMergeErrorPlace {
  /** Line of the base as it was given, counted from 1. */
  readonly line?: number;
  /** The second line at fault: of the base, or for a clash of the configuration that would have been written. */
  readonly otherLine?: number;
  /** Name of the part at fault. */
  readonly part?: string;
}

/** Thrown by `mergeOwned` and `removeOwned` when nothing can be written without damage; the base is as it was. */
export class OwnedMergeError extends Error {
  readonly code: OwnedMergeErrorCode;
  readonly line: number | undefined;
  readonly otherLine: number | undefined;
  readonly part: string | undefined;

  constructor(code: OwnedMergeErrorCode, message: string, place: OwnedMergeErrorPlace = {}) {
    super(message);
    this.name = 'OwnedMergeError';
    this.code = code;
    this.line = place.line;
    this.otherLine = place.otherLine;
    this.part = place.part;
  }
}
