const OCTET = /^(?:0|[1-9]\d{0,2})$/;
const GROUP = /^[\da-f]{1,4}$/i;
const GROUPS = 8;

/** Whether a text is an IPv4 address in dotted form, or an IPv6 one (without a zone), as `inet_pton` reads them. */
export const isIpAddress = (text: string): boolean => isV4(text) || isV6(text);

function isV4(text: string): boolean {
  const octets = text.split('.');
  return octets.length === 4 && octets.every((octet) => OCTET.test(octet) && Number(octet) <= 255);
}

/** Eight groups; `::` stands for one or more of zeros, once; the last two may be written as IPv4. */
function isV6(text: string): boolean {
  const halves = text.split('::');
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  let count = groups.length;
  const last = groups.at(-1);
  if (last?.includes('.') === true && text.endsWith(last)) {
    if (!isV4(last)) return false;
    groups.pop();
    count += 1;
  }
  if (!groups.every((group) => GROUP.test(group))) return false;
  return halves.length === 2 ? count < GROUPS : count === GROUPS;
}
