/** Why a value cannot be written as configuration text. */
export type ConfigWriteErrorCode =
  | 'nul-in-word'
  | 'no-words'
  | 'empty-first-word'
  | 'too-many-words'
  | 'line-break-in-comment'
  | 'invalid-verbatim-line'
  | 'invalid-section-header'
  | 'reserved-first-word'
  | 'no-such-line'
  | 'conflicting-edits';

/** Thrown when asked to write what HAProxy could not read back. The message names the value and the limit. */
export class ConfigWriteError extends Error {
  readonly code: ConfigWriteErrorCode;

  constructor(code: ConfigWriteErrorCode, message: string) {
    super(message);
    this.name = 'ConfigWriteError';
    this.code = code;
  }
}
