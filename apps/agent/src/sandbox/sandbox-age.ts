/**
 * How long the sandbox of a completed task is kept, by Mesos' rule: the whole delay on an empty disk, less the fuller it
 * is, and not at all once what is free is down to `headroom`. `usage` and `headroom` are parts of the disk, 0 to 1.
 */
export const sandboxAgeLimitMs = (
  usage: number,
  { delayMs, headroom }: { readonly delayMs: number; readonly headroom: number },
): number => delayMs * Math.max(0, 1 - headroom - usage);
