import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SupervisorClaims } from './supervisor-claim.js';

describe('the claims to supervise', () => {
  let directory: string;
  let one: SupervisorClaims;
  let other: SupervisorClaims;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'pacer-claim-'));
    one = new SupervisorClaims(directory);
    other = new SupervisorClaims(directory);
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const leaveDeadClaim = (number: number): void =>
    writeFileSync(
      join(directory, String(number)),
      JSON.stringify({ pid: 2 ** 30, startTime: '1', bootId: 'x' }),
    );

  it('belong to one while that lives, and to the next once it released its own', () => {
    const first = one.claim();
    const second = other.claim();
    one.release();
    const third = other.claim();

    expect(first.kind).toBe('claimed');
    expect(second).toMatchObject({ kind: 'held', by: { pid: process.pid } });
    expect(third.kind).toBe('claimed');
  });

  it('pass a dead owner by', () => {
    leaveDeadClaim(4);

    expect(one.claim().kind).toBe('claimed');
    expect(readdirSync(directory)).toEqual(['5']);
  });

  it('go to one of two who saw the same dead owner', () => {
    leaveDeadClaim(1);
    const seenByOne = one.look();
    const seenByOther = other.look();

    const results = [one.claimAfter(seenByOne), other.claimAfter(seenByOther)];

    expect(results).toEqual([true, false]);
    expect(other.claim().kind).toBe('held');
  });

  it('do not go to one who looked long ago, although that number is free again', () => {
    leaveDeadClaim(1);
    const seenLongAgo = other.look();
    leaveDeadClaim(2);
    one.claim();

    expect(other.claimAfter(seenLongAgo)).toBe(false);
    expect(other.claim().kind).toBe('held');
    expect(readdirSync(directory)).toEqual(['3']);
  });
});
