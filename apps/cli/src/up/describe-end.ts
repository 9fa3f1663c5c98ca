/** How a child of ours ended. */
export interface ProcessEnd {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The level from which pino's lines tell of trouble: warn. */
const WARN_LEVEL = 40;

/** ` (killed by SIGKILL)`. Empty for an adopted process: how it ended only its parent is told. */
export function describeEnd(end: ProcessEnd | undefined): string {
  if (end === undefined) return '';
  return end.signal === null ? ` (exit code ${end.exitCode})` : ` (killed by ${end.signal})`;
}

/**
 * What the last lines of a log tell about an end: its last message, or the error Node.js printed in front of a stack.
 * Empty when that message tells of no trouble, for it would be taken for the cause.
 */
export function describeLogEnd(lines: readonly string[]): string {
  const line =
    lines.findLast((one) => one.startsWith('{"') || /^\w*Error: /.test(one)) ?? lines.at(-1) ?? '';
  const text = toTrouble(line);
  return text === '' ? '' : `; its log ends with: ${text}`;
}

/** A line as a person reads it: of a structured one the message, if it is a warning or worse. */
function toTrouble(line: string): string {
  try {
    const { level, msg } = JSON.parse(line) as { readonly level?: unknown; readonly msg?: unknown };
    if (typeof level !== 'number' || typeof msg !== 'string') return line;
    return level >= WARN_LEVEL ? msg : '';
  } catch {
    return line;
  }
}
