/** Everything outside HAProxy's name characters becomes `_`. */
export const cleanName = (text: string): string => text.replace(/[^A-Za-z0-9.-]/g, '_');

/** By code unit: the same everywhere. */
export const compareText = (left: string, right: string): number =>
  left < right ? -1 : left > right ? 1 : 0;
