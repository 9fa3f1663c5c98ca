import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { Intake } from './intake.js';

const turn = () => new Promise((resolve) => setImmediate(resolve));
const requestOf = (bytes: number, socket = {} as Socket) => ({
  socket,
  headers: { 'content-length': String(bytes) },
});

describe('Intake', () => {
  it('lets heavy requests in a few each turn, in their order', async () => {
    const intake = new Intake();
    const admitted: number[] = [];
    for (let number = 0; number < 5; number += 1) {
      const waited = intake.admit(requestOf(40 * 1024));
      if (waited === undefined) admitted.push(number);
      else if (waited !== false) void waited.then(() => admitted.push(number));
    }
    const seen: number[][] = [[...admitted]];

    for (let count = 0; count < 2; count += 1) {
      await turn();
      seen.push([...admitted]);
    }

    expect(seen).toEqual([
      [0, 1],
      [0, 1, 2, 3],
      [0, 1, 2, 3, 4],
    ]);
    expect(intake.size).toBe(0);
  });

  it('holds up no small request on a connection that was used before', () => {
    const intake = new Intake();
    const socket = {} as Socket;
    void intake.admit(requestOf(100, socket));
    for (let number = 0; number < 100; number += 1) void intake.admit(requestOf(40 * 1024));

    expect(intake.size).toBeGreaterThan(0);
    expect(intake.admit(requestOf(100, socket))).toBeUndefined();
  });

  it('lets in what is larger than a turn', async () => {
    const intake = new Intake();
    const first = intake.admit(requestOf(64 * 1024 * 1024));
    const second = intake.admit(requestOf(64 * 1024 * 1024));

    expect(first).toBeUndefined();
    await second;
    expect(intake.size).toBe(0);
  });
});
