import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ReloadGate } from './reload-gate.js';

const ROOMY = 3;

describe('ReloadGate', () => {
  let opened: number;
  let gate: ReloadGate;

  beforeEach(() => {
    vi.useFakeTimers();
    opened = 0;
    gate = new ReloadGate(() => {
      opened += 1;
    });
  });
  afterEach(() => {
    gate.close();
    vi.useRealTimers();
  });
  const reloaded = (): void => {
    gate.close();
    gate.noteReload();
  };
  /** What the loop does each time it is called: asks for the reload, with this room. */
  const isOpenAfter = (ms: number, room: number): boolean => {
    for (let rest = ms; rest > 0; rest -= 100) {
      if (!gate.isScheduled && !gate.isOpen) gate.schedule(room);
      vi.advanceTimersByTime(Math.min(rest, 100));
    }
    return gate.isOpen;
  };

  it('opens once for each reload', () => {
    expect(gate.schedule(ROOMY)).toBe(true);
    expect(gate.isOpen).toBe(false);
    vi.advanceTimersByTime(30);

    expect(gate.isOpen).toBe(true);
    expect(opened).toBe(1);
  });

  it('stays closed while there is no room for another worker, and asks again each second', () => {
    reloaded();

    expect(gate.schedule(0)).toBe(false);
    vi.advanceTimersByTime(1_000);
    expect([gate.isOpen, gate.isScheduled, opened]).toEqual([false, false, 1]);
    expect(isOpenAfter(30_000, 0)).toBe(false);

    expect(isOpenAfter(2_000, 1)).toBe(true);
  });

  it('waits no longer than a minute for workers that do not end', () => {
    reloaded();

    expect(isOpenAfter(58_000, 0)).toBe(false);
    expect(isOpenAfter(4_000, 0)).toBe(true);
  });

  it('opens for an operator a second after the last reload, whatever else is in its way', () => {
    reloaded();
    gate.noteRefusal();
    expect(gate.schedule(0)).toBe(false);

    gate.force();
    expect(gate.schedule(0)).toBe(true);
    vi.advanceTimersByTime(999);
    expect(gate.isOpen).toBe(false);
    vi.advanceTimersByTime(1);

    expect(gate.isOpen).toBe(true);
    reloaded();
    expect(gate.schedule(0)).toBe(false);
  });
});
