import { LaunchError, type LaunchPhase } from '#core';

/** Runs one phase of a launch; it fails naming the phase when it takes longer, is cancelled, or throws. */
export async function withinPhase<T>(
  phase: LaunchPhase,
  options: { readonly timeoutMs: number; readonly cancel: AbortSignal },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const timeout = AbortSignal.timeout(options.timeoutMs);
  const signal = AbortSignal.any([timeout, options.cancel]);
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason));
    if (signal.aborted) reject(signal.reason);
  });
  aborted.catch(() => undefined);
  try {
    return await Promise.race([work(signal), aborted]);
  } catch (cause) {
    if (cause instanceof LaunchError) throw cause;
    throw new LaunchError(phase, describe(phase, options, timeout, cause), { cause });
  }
}

function describe(
  phase: LaunchPhase,
  { timeoutMs, cancel }: { readonly timeoutMs: number; readonly cancel: AbortSignal },
  timeout: AbortSignal,
  cause: unknown,
): string {
  if (cancel.aborted) return `${phase}: the task was killed meanwhile`;
  if (timeout.aborted) return `${phase} took longer than ${timeoutMs} ms`;
  return `${phase}: ${cause instanceof Error ? cause.message : String(cause)}`;
}
