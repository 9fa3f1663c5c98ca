/** What a task may take: its request where nothing else is said, else its limits, as in Mesos. */
import type { LaunchSpec } from '#core';

export interface ResourceBounds {
  /** The weight of its cpus against those of others. */
  readonly cpuMillis: number;
  /** The processor time it may take at most (CFS quota); absent: what others leave. */
  readonly cpuCapMillis?: number;
  /** 0 means no limit. */
  readonly memMib: number;
  /** What the kernel leaves it when memory is short; only where that is not the limit. */
  readonly reservedMemMib?: number;
}

/** `capCpu` caps the cpu time at the request of tasks without a cpu limit. */
export function toBounds(
  { cpuMillis, memMib, limits }: Pick<LaunchSpec, 'cpuMillis' | 'memMib' | 'limits'>,
  { capCpu }: { readonly capCpu: boolean },
): ResourceBounds {
  const cap = limits?.cpuMillis ?? (capCpu ? cpuMillis : 'unlimited');
  const memory = limits?.memMib ?? memMib;
  return {
    cpuMillis,
    ...(cap === 'unlimited' ? {} : { cpuCapMillis: cap }),
    memMib: memory === 'unlimited' ? 0 : memory,
    ...(limits?.memMib === undefined || memory === memMib ? {} : { reservedMemMib: memMib }),
  };
}
