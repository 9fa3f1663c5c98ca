/**
 * Follows a growing file by byte offsets, without ever counting bytes of decoded text.
 *
 * Each round asks for the size first and then for exactly the bytes between what is shown and that size,
 * so a character that does not decode cannot make the position drift.
 */
export interface LogState {
  /** Byte offset of the first character shown. */
  readonly start: number;
  /** Byte offset after the last character shown. */
  readonly end: number;
  readonly text: string;
  /** Whether something before `start` is not shown. */
  readonly isCut: boolean;
}

export interface LogRead {
  readonly offset: number;
  readonly length: number;
}

/** How much of an existing file is shown at first. */
export const INITIAL_TAIL_BYTES = 64 * 1024;
/** The most one read asks for. */
export const MAX_READ_BYTES = 64 * 1024;
/** The most text kept; beyond it whole lines are dropped at the head. */
export const MAX_TEXT_CHARS = 1024 * 1024;

export const EMPTY_LOG: LogState = { start: 0, end: 0, text: '', isCut: false };

const REPLACEMENT = '\uFFFD';

/** The state to read on from, once the size is known. A file that shrank is begun again. */
export function adoptSize(state: LogState | undefined, size: number): LogState {
  if (state && state.end <= size) {
    return state;
  }
  const start = state ? 0 : Math.max(0, size - INITIAL_TAIL_BYTES);
  return { start, end: start, text: '', isCut: start > 0 };
}

/** What to read next, or nothing if all is shown. */
export function nextRead(state: LogState, size: number): LogRead | undefined {
  const length = Math.min(size - state.end, MAX_READ_BYTES);
  return length > 0 ? { offset: state.end, length } : undefined;
}

/** Adds what a read returned. The state moves on by at least one byte unless nothing came. */
export function appendRead(state: LogState, read: LogRead, data: string): LogState {
  const { text, bytes } = takeWhole(data, read.length);
  // Heads of bounded logs are holes that read as zeros.
  const visible = text.replaceAll('\0', '');
  const isFirst = state.text === '' && state.end === state.start;
  const whole = isFirst && state.isCut ? dropPartialLine(visible) : visible;
  return trimHead({ ...state, text: state.text + whole, end: state.end + bytes });
}

/** The lines that contain the filter, ignoring case; all of them for an empty filter. */
export function filterLines(text: string, filter: string): string {
  if (filter === '') {
    return text;
  }
  const wanted = filter.toLowerCase();
  return text
    .split('\n')
    .filter((line) => line.toLowerCase().includes(wanted))
    .join('\n');
}

/** A character cut in two by the end of a read is left for the next one. */
function takeWhole(data: string, requested: number): { text: string; bytes: number } {
  if (data === '') {
    return { text: '', bytes: 0 };
  }
  const head = data.endsWith(REPLACEMENT) ? data.slice(0, -1) : data;
  if (head === '' || head.includes(REPLACEMENT)) {
    return { text: data, bytes: requested };
  }
  return { text: head, bytes: Math.min(requested, utf8Length(head)) };
}

function utf8Length(text: string): number {
  let bytes = 0;
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}

function dropPartialLine(text: string): string {
  const newline = text.indexOf('\n');
  return newline < 0 ? text : text.slice(newline + 1);
}

function trimHead(state: LogState): LogState {
  if (state.text.length <= MAX_TEXT_CHARS) {
    return state;
  }
  const cut = dropPartialLine(state.text.slice(-MAX_TEXT_CHARS));
  return { ...state, text: cut, isCut: true };
}
