import type { WireTraffic } from '#marathon-v2';

const SUMS = [
  ...(['requestsPerSecond', 'sessions', 'queued', 'errors5xx', 'errorsConnect'] as const),
  ...(['retries', 'redispatches', 'requests'] as const),
];
const TIMES = ['responseMs', 'connectMs'] as const;

/** One figure for what several routers saw: counts add up, times are weighted by the rate of requests. Undefined: none. */
export function sumTraffic(parts: readonly WireTraffic[]): WireTraffic | undefined {
  if (parts.length === 0) return undefined;
  const total: { -readonly [Key in keyof WireTraffic]: WireTraffic[Key] } = {};
  for (const name of SUMS) {
    const given = parts.flatMap((part) => part[name] ?? []);
    if (given.length > 0) total[name] = given.reduce((sum, value) => sum + value, 0);
  }
  for (const name of TIMES) {
    const average = averageOf(
      parts.flatMap((part) => {
        const value = part[name];
        return value === undefined ? [] : [{ value, weight: part.requestsPerSecond ?? 0 }];
      }),
    );
    if (average !== undefined) total[name] = average;
  }
  return total;
}

/** Where nothing has a weight all count the same. */
function averageOf(
  parts: readonly { readonly value: number; readonly weight: number }[],
): number | undefined {
  if (parts.length === 0) return undefined;
  const weight = parts.reduce((sum, part) => sum + part.weight, 0);
  if (weight === 0) return parts.reduce((sum, { value }) => sum + value, 0) / parts.length;
  return parts.reduce((sum, part) => sum + part.value * part.weight, 0) / weight;
}
