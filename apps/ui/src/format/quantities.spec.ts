import { expect, it } from 'vitest';
import { formatBytes, formatCpus, formatMem, plural } from './quantities.js';

it('writes cpus without floating point noise', () => {
  expect(formatCpus(0.1 + 0.2)).toBe('0.3');
  expect(formatCpus(2)).toBe('2');
});

it('changes to the next unit of memory at 1024', () => {
  expect(formatMem(128)).toBe('128 MiB');
  expect(formatMem(1024)).toBe('1 GiB');
  expect(formatMem(1536)).toBe('1.5 GiB');
  expect(formatMem(3 * 1024 * 1024)).toBe('3 TiB');
});

it('writes bytes in the unit that fits', () => {
  expect(formatBytes(0)).toBe('0 B');
  expect(formatBytes(65_536)).toBe('64 KiB');
  expect(formatBytes(1_258_291)).toBe('1.2 MiB');
});

it('counts one as one', () => {
  expect(plural(1, 'instance')).toBe('1 instance');
  expect(plural(0, 'instance')).toBe('0 instances');
});
