import { expect, it } from 'vitest';
import { NONE_OCCUPIED, OccupiedPorts } from './occupied-ports.js';

it('gives out another object only when other ports are occupied', async () => {
  const busy = new Set([80, 81]);
  const occupied = new OccupiedPorts(async ({ port }) => !busy.has(port));
  const wanted = [{ port: 80 }, { port: 81, address: '127.0.0.1' }, { port: 82 }];
  await occupied.probe(wanted, new Set());
  const first = occupied.ports;

  await occupied.retry();
  expect([...first]).toEqual(['*:80', '127.0.0.1:81']);
  expect(occupied.ports).toBe(first);

  busy.delete(80);
  await occupied.retry();
  expect([...occupied.ports]).toEqual(['127.0.0.1:81']);

  busy.clear();
  await occupied.retry();
  expect(occupied.ports).toBe(NONE_OCCUPIED);
});
