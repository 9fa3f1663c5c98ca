import { expect, it } from 'vitest';
import { describeExpiry } from './certificate-expiry.js';

const certificate = {
  subject: 'O=Shop\nCN=master',
  validFrom: 'Nov 26 00:00:00 2026 GMT',
  validTo: 'Feb 24 00:00:00 2027 GMT',
};
const at = (text: string) => describeExpiry(certificate, Date.parse(text));

it('says nothing of a certificate that lasts', () => {
  expect(at('2027-01-01T00:00:00Z')).toBeUndefined();
});

it('says when a certificate expires, and when it has or is not valid yet', () => {
  expect(at('2027-02-20T12:00:00Z')).toBe(
    'the TLS certificate of O=Shop, CN=master expires at 2027-02-24T00:00:00.000Z, in 3 days',
  );
  expect(at('2027-02-24T00:00:00Z')).toContain('has expired at 2027-02-24T00:00:00.000Z');
  expect(at('2026-11-25T00:00:00Z')).toContain('not valid before 2026-11-26T00:00:00.000Z');
});
