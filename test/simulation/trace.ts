/** Lines kept for a failure's report; the hash covers all. */
const KEPT_LINES = 20_000;
const FNV_PRIME = 0x01000193;

/** What happened, line by line, and a hash that is equal only when everything happened equally. */
export class Trace {
  private readonly lines: string[] = [];
  private first = 0x811c9dc5;
  private second = 0x9dc5811c;
  count = 0;

  constructor(private readonly nowMs: () => number) {}

  add(who: string, what: string): void {
    const line = `${(this.nowMs() / 1000).toFixed(4).padStart(9)} ${who.padEnd(12)} ${what}`;
    this.count += 1;
    for (let at = 0; at < line.length; at += 1) {
      const code = line.charCodeAt(at);
      this.first = Math.imul(this.first ^ code, FNV_PRIME);
      this.second = Math.imul(this.second + code, FNV_PRIME) ^ (this.second >>> 13);
    }
    this.lines.push(line);
    if (this.lines.length >= 2 * KEPT_LINES) this.lines.splice(0, KEPT_LINES);
  }

  get hash(): string {
    return [this.first, this.second]
      .map((part) => (part >>> 0).toString(16).padStart(8, '0'))
      .join('');
  }

  last(count: number): readonly string[] {
    return this.lines.slice(-count);
  }
}
