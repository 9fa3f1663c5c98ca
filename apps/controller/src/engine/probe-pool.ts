import type { ProbeResult, Prober, ProbeTarget } from '#core';

/** Runs probes, at most `limit` at a time; the others wait in order. The caller bounds how many it asks for. */
export class ProbePool {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(
    private readonly prober: Prober,
    private readonly limit: number,
  ) {}

  async probe(target: ProbeTarget, timeoutMs: number): Promise<ProbeResult> {
    if (this.running >= this.limit) {
      await new Promise<void>((resolve) => {
        this.waiting.push(resolve);
      });
    } else {
      this.running += 1;
    }
    try {
      return await this.prober.probe(target, { timeoutMs });
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.running -= 1;
      else next();
    }
  }
}
