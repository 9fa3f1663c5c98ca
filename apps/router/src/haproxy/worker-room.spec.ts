import { expect, it } from 'vitest';
import { roomForWorkers } from './worker-room.js';

const MB = 1_000_000;

it.each([
  ['small workers: five of them', 0, 12 * MB, 5],
  ['large ones: as many as fit into three times one and 100 MB', 0, 80 * MB, 3],
  ['those that are there already', 2, 80 * MB, 1],
  ['none when they are too many', 5, 80 * MB, -2],
  ['very large ones', 1, 4_000 * MB, 1],
  ['workers of which nothing is known', 3, 0, 2],
])('has room for %s', (_, old, oneBytes, room) => {
  expect(roomForWorkers(old, oneBytes)).toBe(room);
});
