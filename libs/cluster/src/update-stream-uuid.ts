/**
 * Ids of status updates: 16 bytes, base64. The first ten are the seed, random for each start of the agent, the last six a
 * counter, so a reducer can make unique ids without chance of its own.
 */
export interface UuidSource {
  /** Exactly {@link UUID_SEED_BYTES} bytes. */
  readonly seed: readonly number[];
  /** Incremented by {@link nextUuid}; this one field is mutated in place. */
  count: number;
}

export const UUID_SEED_BYTES = 10;
const COUNTER_BYTES = 6;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** The next id; never repeats for one seed (2^48 of them). */
export function nextUuid(source: UuidSource): string {
  source.count += 1;
  const bytes = source.seed.slice(0, UUID_SEED_BYTES);
  for (let place = COUNTER_BYTES - 1; place >= 0; place -= 1) {
    bytes.push(Math.floor(source.count / 256 ** place) % 256);
  }
  return toBase64(bytes);
}

/** Standard base64 with padding. */
export function toBase64(bytes: readonly number[]): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const [first = 0, second, third] = bytes.slice(at, at + 3);
    const triple = (first << 16) | ((second ?? 0) << 8) | (third ?? 0);
    text += ALPHABET.charAt(triple >> 18) + ALPHABET.charAt((triple >> 12) & 63);
    text += second === undefined ? '=' : ALPHABET.charAt((triple >> 6) & 63);
    text += third === undefined ? '=' : ALPHABET.charAt(triple & 63);
  }
  return text;
}
