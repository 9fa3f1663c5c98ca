/** Longest time looked back; older troubles are forgotten. */
const MEMORY_MS = 120_000;

interface Trouble {
  readonly fromMs: number;
  toMs: number;
}

/** When which host, process or route did not work, as the faults had it: what may excuse a silence, and what may not. */
export class Troubles {
  private readonly byName = new Map<string, Trouble[]>();
  private readonly open = new Map<string, Trouble>();

  constructor(private readonly nowMs: () => number) {}

  /** Something named does not work for `forMs` from now. */
  add(name: string, forMs: number): void {
    const fromMs = this.nowMs();
    const ofName = this.byName.get(name) ?? [];
    this.byName.set(name, ofName);
    ofName.push({ fromMs, toMs: fromMs + forMs });
    while ((ofName[0]?.toMs ?? fromMs) < fromMs - MEMORY_MS) ofName.shift();
  }

  /** `name` does not work until {@link end} of the same name and cause. */
  begin(name: string, cause: string): void {
    const key = `${name} ${cause}`;
    if (this.open.has(key)) return;
    this.add(name, Number.POSITIVE_INFINITY);
    const trouble = this.byName.get(name)?.at(-1);
    if (trouble !== undefined) this.open.set(key, trouble);
  }

  end(name: string, cause: string): void {
    const key = `${name} ${cause}`;
    const trouble = this.open.get(key);
    if (trouble === undefined) return;
    trouble.toMs = this.nowMs();
    this.open.delete(key);
  }

  /** Milliseconds of trouble in the last `withinMs`; troubles at one time are added up. */
  lately(name: string, withinMs: number): number {
    const nowMs = this.nowMs();
    let sum = 0;
    for (const { fromMs, toMs } of this.byName.get(name) ?? []) {
      sum += Math.max(0, Math.min(toMs, nowMs) - Math.max(fromMs, nowMs - withinMs));
    }
    return sum;
  }
}
