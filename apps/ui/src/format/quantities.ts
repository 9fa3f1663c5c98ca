/** CPUs with at most three decimals and no trailing zeros. */
export function formatCpus(cpus: number): string {
  return String(Math.round(cpus * 1000) / 1000);
}

/** MiB as `512 MiB` or `1.5 GiB`. */
export function formatMem(mib: number): string {
  if (mib < 1024) {
    return `${Math.round(mib * 10) / 10} MiB`;
  }
  if (mib < 1024 * 1024) {
    return `${Math.round((mib / 1024) * 10) / 10} GiB`;
  }
  return `${Math.round((mib / 1024 / 1024) * 10) / 10} TiB`;
}

/** Bytes as `812 B`, `64 KiB`, `1.2 MiB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) {
    return `${bytes} B`;
  }
  return bytes < 1024 * 1024
    ? `${Math.round(bytes / 102.4) / 10} KiB`
    : formatMem(bytes / 1024 / 1024);
}

/** `1 instance`, `3 instances`. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
