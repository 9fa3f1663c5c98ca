import { describe, expect, it } from 'vitest';
import { formatAge, formatDuration, formatTimestamp } from './durations.js';

describe('formatDuration', () => {
  it.each([
    [-5_000, '0s'],
    [999, '0s'],
    [59_999, '59s'],
    [60_000, '1m'],
    [725_000, '12m 5s'],
    [3_600_000, '1h'],
    [3_605_000, '1h'],
    [86_400_000 * 3 + 3_600_000 * 4 + 59_000, '3d 4h'],
  ])('writes %d ms as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});

describe('formatAge', () => {
  it('counts from the time given', () => {
    expect(formatAge('2026-11-02T10:00:00Z', Date.parse('2026-11-02T10:01:30Z'))).toBe('1m 30s');
  });

  it('shows a dash for a missing or unreadable time', () => {
    expect(formatAge(undefined, 0)).toBe('—');
    expect(formatAge(null, 0)).toBe('—');
    expect(formatAge('soon', 0)).toBe('—');
  });

  it('never shows a negative age when the clocks differ', () => {
    expect(formatAge('2026-11-02T10:00:05Z', Date.parse('2026-11-02T10:00:00Z'))).toBe('0s');
  });
});

describe('formatTimestamp', () => {
  it('keeps text it cannot read', () => {
    expect(formatTimestamp('soon')).toBe('soon');
    expect(formatTimestamp(undefined)).toBe('—');
  });

  it('writes a date and a time', () => {
    expect(formatTimestamp('2026-11-02T10:00:05Z')).toMatch(/^2026-11-0\d \d\d:\d\d:05$/);
  });
});
