import type { Clock, ProbeResult, Prober, ProbeTarget } from '#core';

/** What a probe will see, and after how long; `durationMs` beyond the timeout becomes a failed result. */
export type FakeAnswer = Partial<ProbeResult>;

/**
 * Answers probes on a virtual clock from a script; without an answer a probe passes after 1 ms. Command targets are
 * really run, since they only call another fake.
 */
export class FakeProber implements Prober {
  private readonly answers = new Map<string, FakeAnswer>();
  /** Every target probed, by {@link targetKey}, in order. */
  readonly probed: string[] = [];

  constructor(private readonly clock: Clock) {}

  /** From now on probes of `host:port` see this. */
  answer(hostAndPort: string, answer: FakeAnswer): void {
    this.answers.set(hostAndPort, answer);
  }

  async probe(
    target: ProbeTarget,
    { timeoutMs }: { readonly timeoutMs: number },
  ): Promise<ProbeResult> {
    const key = targetKey(target);
    this.probed.push(key);
    if (target.kind === 'command') return await runCommand(target, timeoutMs);
    const answer = this.answers.get(key) ?? {};
    const durationMs = answer.durationMs ?? 1;
    await new Promise<void>((resolve) => {
      this.clock.schedule(Math.min(durationMs, timeoutMs), resolve);
    });
    if (durationMs > timeoutMs) {
      return { passed: false, detail: `no answer within ${timeoutMs} ms`, durationMs: timeoutMs };
    }
    const passed = answer.passed ?? true;
    const status = target.kind === 'http' ? { status: passed ? 200 : 503 } : {};
    return { passed, detail: passed ? 'ok' : 'failed', ...status, ...answer, durationMs };
  }
}

/** `host:port`, or `command`. */
export function targetKey(target: ProbeTarget): string {
  return target.kind === 'command' ? 'command' : `${target.host}:${target.port}`;
}

async function runCommand(
  target: Extract<ProbeTarget, { kind: 'command' }>,
  timeoutMs: number,
): Promise<ProbeResult> {
  try {
    const { exitCode } = await target.run(timeoutMs);
    return { passed: exitCode === 0, detail: `exit code ${exitCode}`, durationMs: 0 };
  } catch (error) {
    return { passed: false, detail: (error as Error).message, durationMs: timeoutMs };
  }
}
