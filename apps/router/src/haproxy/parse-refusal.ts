/** One complaint of `haproxy -c`. */
export interface Refusal {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly message: string;
}

/** At most so many complaints are read: HAProxy itself stops after 50 per file. */
const MAX_REFUSALS = 200;
/** `[ALERT]    (123) : config : parsing [/etc/haproxy.cfg:7] : unknown keyword ...`, and `[file:7]: ...`. */
const NAMED_LINE = /^\s*(?:\[(\w+)\].*?)?\[([^[\]\n]+):(\d{1,9})\]\s*:?\s*(.*)$/;
/** `... (/etc/haproxy.cfg:7) ...`, as in `backend 'x' has the same name as ... declared at /etc/haproxy.cfg:7`. */
const DECLARED_AT = /(?:\(|\bat )((?:\/|\.\/)[^\s():]+):(\d{1,9})/;

/**
 * What `haproxy -c` says of lines of files, errors only: warnings refuse nothing. What names no line (a missing default
 * backend, an unresolved server) is found by trying, see `findOffenders`.
 */
export function parseRefusal(stderr: string): readonly Refusal[] {
  const refusals: Refusal[] = [];
  for (const text of stderr.split('\n')) {
    if (refusals.length >= MAX_REFUSALS) break;
    if (/^\s*\[(?:WARNING|NOTICE|DIAG|INFO)\]/.test(text)) continue;
    const [, , file, line, message] = NAMED_LINE.exec(text) ?? [];
    if (file !== undefined) {
      refusals.push({ file, line: Number(line), message: (message ?? '').trim() });
      continue;
    }
    const [, declaredIn, declaredLine] = DECLARED_AT.exec(text) ?? [];
    if (declaredIn === undefined) continue;
    const said = text.replace(/^\s*\[\w+\]\s*\(\d+\)\s*:\s*(?:config\s*:\s*)?/, '').trim();
    refusals.push({ file: declaredIn, line: Number(declaredLine), message: said });
  }
  return refusals;
}
