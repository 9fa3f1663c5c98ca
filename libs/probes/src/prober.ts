/** Carries out health and readiness probes: a bounded number at once, each with one deadline over everything. */
import type { Prober, ProbeTarget } from '#core';
import type { Observation } from './observation.js';
import { probeHttp } from './probe-http.js';
import { probeTcp } from './probe-tcp.js';
import { createTurns } from './turns.js';

export interface ProberOptions {
  /** HTTP and TCP probes under way at once; default 256 (Marathon's own limit). */
  readonly atOnce?: number;
  /** Commands under way at once, each of which is a process; default 64. They do not keep the others waiting. */
  readonly commandsAtOnce?: number;
  /** Probes of each of the two waiting for their turn; default 10,000. One more is skipped at once and says so. */
  readonly maxWaiting?: number;
}

/** Makes a prober. Waiting for a turn does not count towards a probe's timeout or duration. */
export function createProber(options: ProberOptions = {}): Prober {
  const { atOnce = 256, commandsAtOnce = 64, maxWaiting = 10_000 } = options;
  const network = createTurns({ atOnce, maxWaiting });
  const commands = createTurns({ atOnce: commandsAtOnce, maxWaiting });
  return {
    async probe(target, { timeoutMs }) {
      const turns = target.kind === 'command' ? commands : network;
      if (!(await turns.take())) {
        const detail = `not probed: ${maxWaiting} probes wait already, which is the limit`;
        return { passed: false, skipped: true, detail, durationMs: 0 };
      }
      const startedAtMs = performance.now();
      try {
        const observation = await observe(target, timeoutMs);
        const durationMs = Math.round(performance.now() - startedAtMs);
        const isHeldUp = observation.timedOut === true && durationMs > timeoutMs + HELD_UP_MS;
        return isHeldUp ? heldUp(durationMs) : { ...observation, durationMs };
      } finally {
        turns.pass();
      }
    },
  };
}

/** A deadline noticed this much too late tells of this process (stopped, or the host suspended), not of the target. */
const HELD_UP_MS = 2_000;

const heldUp = (durationMs: number) => ({
  passed: false,
  skipped: true as const,
  detail: `not judged: this process was held up for ${durationMs} ms`,
  durationMs,
});

async function observe(target: ProbeTarget, timeoutMs: number): Promise<Observation> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), timeoutMs);
  const late = new Promise<Observation>((resolve) => {
    abort.signal.addEventListener('abort', () => resolve(noAnswer(timeoutMs)));
  });
  try {
    return await Promise.race([start(target, timeoutMs, abort.signal), late]);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'COMMAND_TIMEOUT'
      ? noAnswer(timeoutMs)
      : { passed: false, detail: describeError(error) };
  } finally {
    clearTimeout(timer);
    // Frees the socket of a probe that lost the race.
    abort.abort();
  }
}

const noAnswer = (timeoutMs: number): Observation => ({
  passed: false,
  timedOut: true,
  detail: `no answer within ${timeoutMs} ms`,
});

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
      return { passed: exitCode === 0, exitCode, detail: detail.replace(/: $/, '') };
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
  EADDRNOTAVAIL: 'address not available',
  ENOTFOUND: 'host not found',
  EAI_AGAIN: 'host not found for now',
  EPIPE: 'connection reset',
};

function describeError(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return (code === undefined ? undefined : REASONS[code]) ?? message ?? String(error);
}
