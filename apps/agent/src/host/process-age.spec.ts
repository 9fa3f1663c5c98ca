import { expect, test } from 'vitest';
import { readProcessAge } from './process-age.js';

test('is what the process itself says of its age', async () => {
  const ageMs = await readProcessAge({ pid: process.pid });

  const ownMs = process.uptime() * 1000;
  expect(Math.abs((ageMs ?? 0) - ownMs)).toBeLessThan(10_000);
});

test('is unknown of a process that is none, or is not that of the container', async () => {
  expect(await readProcessAge({ pid: 0 })).toBeUndefined();
  expect(await readProcessAge({ pid: process.pid, containerId: 'f'.repeat(64) })).toBeUndefined();
});
