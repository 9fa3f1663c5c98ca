const DAY_MS = 24 * 60 * 60_000;
/** Long enough to act, and shorter than what is left of a certificate that renews itself in time (a third of 90 days). */
const WARN_BEFORE_MS = 14 * DAY_MS;

/** What an operator should know of the end of a certificate; undefined while that is far. */
export function describeExpiry(
  certificate: {
    readonly subject: string;
    readonly validFrom: string;
    readonly validTo: string;
  },
  nowEpochMs: number,
): string | undefined {
  const name = certificate.subject.replaceAll('\n', ', ');
  const endMs = Date.parse(certificate.validTo);
  const end = new Date(endMs).toISOString();
  if (endMs <= nowEpochMs) {
    return `the TLS certificate of ${name} has expired at ${end}: nobody accepts it`;
  }
  if (Date.parse(certificate.validFrom) > nowEpochMs) {
    const begin = new Date(Date.parse(certificate.validFrom)).toISOString();
    return `the TLS certificate of ${name} is not valid before ${begin}: nobody accepts it yet`;
  }
  if (endMs - nowEpochMs > WARN_BEFORE_MS) return undefined;
  const days = Math.floor((endMs - nowEpochMs) / DAY_MS);
  return `the TLS certificate of ${name} expires at ${end}, in ${days} days`;
}
