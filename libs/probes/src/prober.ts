/** Carries out health and readiness probes: a bounded number at once, each with one deadline over everything. */
import type { Prober, ProbeTarget } from '#core';
import type { Observation } from './observation.js';
import { probeHttp } from './probe-http.js';
import { probeTcp } from './probe-tcp.js';

export interface ProberOptions {
  /** Probes under way at once; default 256 (Marathon's own limit). */
  readonly atOnce?: number;
  /** Probes waiting for their turn; default 10,000. One more fails at once and says so. */
  readonly maxWaiting?: number;
}

/** Makes a prober. Waiting for a turn does not count towards a probe's timeout or duration. */
export function createProber(options: ProberOptions = {}): Prober {
  const { atOnce = 256, maxWaiting = 10_000 } = options;
  const waiting = new Set<() => void>();
  let running = 0;

  const takeTurn = async (): Promise<boolean> => {
    if (running < atOnce) {
      running += 1;
      return true;
    }
    if (waiting.size >= maxWaiting) return false;
    await new Promise<void>((resolve) => waiting.add(resolve));
    return true;
  };

  const passTurn = (): void => {
    // A Set keeps the order of arrival, so the first to wait is the next to run.
    const [next] = waiting;
    if (next === undefined) {
      running -= 1;
      return;
    }
    waiting.delete(next);
    next();
  };

  return {
    async probe(target, { timeoutMs }) {
      if (!(await takeTurn())) {
        const detail = `not probed: ${maxWaiting} probes wait already, which is the limit`;
        return { passed: false, detail, durationMs: 0 };
      }
      const startedAtMs = performance.now();
      try {
        const observation = await observe(target, timeoutMs);
        return { ...observation, durationMs: Math.round(performance.now() - startedAtMs) };
      } finally {
        passTurn();
      }
    },
  };
}

async function observe(target: ProbeTarget, timeoutMs: number): Promise<Observation> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), timeoutMs);
  const late = new Promise<Observation>((resolve) => {
    abort.signal.addEventListener('abort', () =>
      resolve({ passed: false, detail: `no answer within ${timeoutMs} ms` }),
    );
  });
  try {
    return await Promise.race([start(target, timeoutMs, abort.signal), late]);
  } catch (error) {
    return { passed: false, detail: describeError(error) };
  } finally {
    clearTimeout(timer);
    // Frees the socket of a probe that lost the race.
    abort.abort();
  }
}

async function start(
  target: ProbeTarget,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Observation> {
  switch (target.kind) {
    case 'http':
      return await probeHttp(target, signal);
    case 'tcp':
      return await probeTcp(target, signal);
    case 'command': {
      const { exitCode, output } = await target.run(timeoutMs);
      const detail = exitCode === 0 ? 'exit code 0' : `exit code ${exitCode}: ${lastLine(output)}`;
      return { passed: exitCode === 0, detail: detail.replace(/: $/, '') };
    }
    default:
      return target satisfies never;
  }
}

const MAX_LINE_CHARACTERS = 200;

function lastLine(output: string): string {
  const lines = output.trim().split('\n');
  return (lines.at(-1) ?? '').slice(0, MAX_LINE_CHARACTERS);
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  ENOTFOUND: 'host not found',
  EAI_AGAIN: 'host not found for now',
  EPIPE: 'connection reset',
};

function describeError(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return (code === undefined ? undefined : REASONS[code]) ?? message ?? String(error);
}
