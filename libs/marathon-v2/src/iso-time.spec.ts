import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fromIsoTime, toIsoTime } from './iso-time.js';

it('prints times as Date does and reads them back', () => {
  const years0To9999 = fc.integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 });
  fc.assert(
    fc.property(years0To9999, (epochMs) => {
      const text = toIsoTime(epochMs);
      expect(text).toBe(new Date(epochMs).toISOString());
      expect(fromIsoTime(text)).toBe(epochMs);
    }),
  );
});

it.each(['', '2026-02-30T00:00:00.000Z', '2026-01-01', '2026-01-01T00:00:00Z'])(
  'does not read %j',
  (text) => {
    expect(fromIsoTime(text)).toBeUndefined();
  },
);
