/** Carries out health and readiness probes: a bounded number at once, each with one deadline over everything. */
import type { ProbeResult, Prober, ProbeTarget } from '#core';
import { type Connect, connectInside } from './connect.js';
import type { Observation } from './observation.js';
import { probeHttp } from './probe-http.js';
import { probeTcp } from './probe-tcp.js';
import { createTurns, type Turns } from './turns.js';

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
  const processes = createTurns({ atOnce: commandsAtOnce, maxWaiting });

  const inTurn = async (
    turns: Turns,
    timeoutMs: number,
    start: (signal: AbortSignal) => Promise<Observation>,
  ): Promise<ProbeResult & { readonly code?: string }> => {
    if (!(await turns.take())) {
      const detail = `not probed: ${maxWaiting} probes wait already, which is the limit`;
      return { passed: false, skipped: true, detail, durationMs: 0 };
    }
    const startedAtMs = performance.now();
    try {
      const observation = await observe(start, timeoutMs);
      const durationMs = Math.round(performance.now() - startedAtMs);
      const isHeldUp = observation.timedOut === true && durationMs > timeoutMs + HELD_UP_MS;
      return isHeldUp ? heldUp(durationMs) : { ...observation, durationMs };
    } finally {
      turns.pass();
    }
  };

  return {
    async probe(target, { timeoutMs }) {
      if (target.kind === 'command') {
        const { run } = target;
        return await inTurn(processes, timeoutMs, () => probeCommand(run, timeoutMs));
      }
      const { inside } = target;
      if (inside?.always !== true) {
        const start = (signal: AbortSignal) => probeAddress(target, signal);
        const { code, ...result } = await inTurn(network, timeoutMs, start);
        if (inside === undefined || code !== REFUSED) return result;
      }
      // A process each, as commands are.
      const { code: _, ...result } = await inTurn(processes, timeoutMs, (signal) =>
        probeAddress({ ...target, host: inside.host }, signal, connectInside(inside, signal)),
      );
      return result;
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

const REFUSED = 'ECONNREFUSED';

async function observe(
  start: (signal: AbortSignal) => Promise<Observation>,
  timeoutMs: number,
): Promise<Observation & { readonly code?: string }> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), timeoutMs);
  const late = new Promise<Observation>((resolve) => {
    abort.signal.addEventListener('abort', () => resolve(noAnswer(timeoutMs)));
  });
  try {
    return await Promise.race([start(abort.signal), late]);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'COMMAND_TIMEOUT') return noAnswer(timeoutMs);
    const observation = { passed: false, detail: describeError(error) };
    return code === undefined ? observation : { ...observation, code };
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

const probeAddress = (
  target: Exclude<ProbeTarget, { readonly kind: 'command' }>,
  signal: AbortSignal,
  inside?: Connect,
): Promise<Observation> =>
  target.kind === 'http' ? probeHttp(target, signal, inside) : probeTcp(target, signal, inside);

async function probeCommand(
  run: Extract<ProbeTarget, { readonly kind: 'command' }>['run'],
  timeoutMs: number,
): Promise<Observation> {
  const { exitCode, output } = await run(timeoutMs);
  const detail = exitCode === 0 ? 'exit code 0' : `exit code ${exitCode}: ${lastLine(output)}`;
  return { passed: exitCode === 0, exitCode, detail: detail.replace(/: $/, '') };
}

const MAX_LINE_CHARACTERS = 200;

function lastLine(output: string): string {
  const lines = output.trim().split('\n');
  return (lines.at(-1) ?? '').slice(0, MAX_LINE_CHARACTERS);
}

const REASONS: Readonly<Record<string, string>> = {
  [REFUSED]: 'connection refused',
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
