const UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
  ['s', 1],
];

/** Two units at most: `3d 4h`, `12m 5s`, `0s`. Negative counts as zero. */
export function formatDuration(ms: number): string {
  let rest = Math.max(0, Math.floor(ms / 1000));
  const parts: string[] = [];
  for (const [unit, seconds] of UNITS) {
    const count = Math.floor(rest / seconds);
    if (count > 0) {
      parts.push(`${count}${unit}`);
    } else if (parts.length > 0) {
      break;
    }
    rest -= count * seconds;
    if (parts.length === 2) {
      break;
    }
  }
  return parts.length === 0 ? '0s' : parts.join(' ');
}

/** The age of an ISO time in words, or a dash where there is none or it cannot be read. */
export function formatAge(iso: string | null | undefined, nowMs: number): string {
  const at = iso ? Date.parse(iso) : Number.NaN;
  return Number.isNaN(at) ? '—' : formatDuration(nowMs - at);
}

/** `2026-11-02 09:14:52` in the reader's time zone; the ISO text itself if it cannot be read. */
export function formatTimestamp(iso: string | null | undefined): string {
  const at = iso ? new Date(iso) : undefined;
  if (!at || Number.isNaN(at.getTime())) {
    return iso ?? '—';
  }
  const two = (n: number) => String(n).padStart(2, '0');
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}
