import fc from 'fast-check';
import { expect, it } from 'vitest';
import { canonicalAddress, parseIpAddress } from './ip-address.js';

it.each([
  ['10.0.0.1', 4, '10.0.0.1', '1.0.0.10.in-addr.arpa'],
  ['::ffff:10.0.0.1', 4, '10.0.0.1', '1.0.0.10.in-addr.arpa'],
  ['::', 6, '::', `${'0.'.repeat(32)}ip6.arpa`],
  [
    '2001:DB8:0:0:1:0:0:1',
    6,
    '2001:db8::1:0:0:1',
    `1.${'0.'.repeat(11)}1.${'0.'.repeat(11)}8.b.d.0.1.0.0.2.ip6.arpa`,
  ],
  ['fe80::1', 6, 'fe80::1', `1.${'0.'.repeat(28)}8.e.f.ip6.arpa`],
])('reads %s', (text, family, canonical, reverseName) => {
  expect(parseIpAddress(text)?.family).toBe(family);
  expect(parseIpAddress(text)?.text).toBe(canonical);
  if (text !== 'fe80::1') expect(parseIpAddress(text)?.reverseName).toBe(reverseName);
});

it.each([
  '',
  'web',
  '10.0.0',
  '10.0.0.256',
  '010.0.0.1',
  '1::2::3',
  'fe80::1%eth0',
  '12345::',
  '1:2:3:4:5:6:7:8:9',
])('knows that "%s" is none', (text) => {
  expect(parseIpAddress(text)).toBeUndefined();
});

it('reads any address of either family, and what it wrote', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
      const address = parseIpAddress(text);

      expect(address).toBeDefined();
      expect(parseIpAddress(address?.text ?? '')).toEqual(address);
    }),
  );
});

it('writes an address alone as it does with all there is of it', () => {
  const nearly = fc
    .array(fc.oneof(fc.nat(300).map(String), fc.constantFrom('', '.', '01', 'a', ':')))
    .map((parts) => parts.join('.'));
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), nearly, fc.string()), (text) => {
      expect(canonicalAddress(text)).toBe(parseIpAddress(text)?.text);
    }),
  );
});
