import { describe, expect, it } from 'vitest';
import { identifyProcess, isRunning, parseIdentity } from './process-identity.js';

describe('process identity', () => {
  it('is that of one process of one boot', () => {
    const own = identifyProcess(process.pid);
    if (own === undefined) throw new Error('we are running');

    expect(parseIdentity(JSON.stringify(own))).toEqual(own);
    expect(isRunning(own)).toBe(true);
    expect(isRunning({ ...own, bootId: 'the boot before' })).toBe(false);
    expect(isRunning({ ...own, startTime: '1' })).toBe(false);
  });

  it('is not read from anything less', () => {
    expect(parseIdentity('{"pid":1,"startTime":"2"}')).toBeUndefined();
    expect(parseIdentity('{"pid":')).toBeUndefined();
    expect(parseIdentity('null')).toBeUndefined();
  });
});
