const ALPHABET = 'ybndrfg8ejkmcpqxot1uwisza345h769';

/** The first `length` characters (of 5 bits each) of the bytes in z-base-32, Mesos-DNS' way to shorten task ids. */
export function zbase32(bytes: Uint8Array, length: number): string {
  let text = '';
  for (let at = 0; at < length; at += 1) {
    const bit = at * 5;
    const pair = ((bytes[bit >> 3] ?? 0) << 8) | (bytes[(bit >> 3) + 1] ?? 0);
    text += ALPHABET[(pair >> (11 - (bit & 7))) & 31];
  }
  return text;
}
