/** An address in the one form records hold it in. */
export interface IpAddress {
  readonly family: 4 | 6;
  readonly text: string;
  /** Where its PTR records are: below in-addr.arpa or ip6.arpa. */
  readonly reverseName: string;
}

/** Reads an IPv4 or IPv6 address; undefined: it is none, or one of an interface (`fe80::1%eth0`). */
export function parseIpAddress(text: string): IpAddress | undefined {
  const bytes = parseIpv4(text);
  if (bytes !== undefined) {
    const reverseName = `${bytes.toReversed().join('.')}.in-addr.arpa`;
    return { family: 4, text: bytes.join('.'), reverseName };
  }
  const groups = parseIpv6(text);
  if (groups === undefined) return undefined;
  // An IPv4 address that passed through a socket of both families.
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  const [high = 0, low = 0] = groups.slice(6);
  if (isMapped) return parseIpAddress([high >> 8, high & 255, low >> 8, low & 255].join('.'));
  const nibbles = groups.map((group) => group.toString(16).padStart(4, '0')).join('');
  const reverseName = `${[...nibbles].toReversed().join('.')}.ip6.arpa`;
  return { family: 6, text: formatIpv6(groups), reverseName };
}

/** The text of {@link parseIpAddress}. */
export const canonicalAddress = (text: string): string | undefined =>
  CANONICAL_IPV4.test(text) ? text : parseIpAddress(text)?.text;

const CANONICAL_IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

function parseIpv4(text: string): readonly number[] | undefined {
  const parts = text.split('.');
  const isSound = parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part));
  const bytes = parts.map(Number);
  return isSound && bytes.every((byte) => byte <= 255) ? bytes : undefined;
}

function parseIpv6(text: string): readonly number[] | undefined {
  const last = text.slice(text.lastIndexOf(':') + 1);
  const ipv4 = last.includes('.') ? parseIpv4(last) : undefined;
  if (ipv4 !== undefined) {
    const [a = 0, b = 0, c = 0, d = 0] = ipv4;
    const tail = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
    return parseIpv6(text.slice(0, text.length - last.length) + tail);
  }
  const halves = text.split('::');
  if (halves.length > 2 || !text.includes(':')) return undefined;
  const [head, tail] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const missing = 8 - (head?.length ?? 0) - (tail?.length ?? 0);
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const parts = [...(head ?? []), ...Array.from({ length: missing }, () => '0'), ...(tail ?? [])];
  if (!parts.every((part) => /^[0-9a-f]{1,4}$/i.test(part))) return undefined;
  return parts.map((part) => Number.parseInt(part, 16));
}

/** The longest run of zeroes is left out, the first of equal ones (RFC 5952). */
function formatIpv6(groups: readonly number[]): string {
  let best = { begin: 0, length: 0 };
  for (let begin = 0; begin < groups.length; begin += 1) {
    let length = 0;
    while (groups[begin + length] === 0) length += 1;
    if (length > best.length) best = { begin, length };
  }
  const write = (part: readonly number[]): string =>
    part.map((group) => group.toString(16)).join(':');
  if (best.length < 2) return write(groups);
  return `${write(groups.slice(0, best.begin))}::${write(groups.slice(best.begin + best.length))}`;
}
