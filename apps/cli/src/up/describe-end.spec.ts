import { describe, expect, it } from 'vitest';
import { describeEnd, describeLogEnd } from './describe-end.js';

const line = (level: number, msg: string): string => JSON.stringify({ level, name: 'master', msg });

describe('describeEnd', () => {
  it.each([
    [{ exitCode: null, signal: 'SIGKILL' as const }, ' (killed by SIGKILL)'],
    [{ exitCode: 1, signal: null }, ' (exit code 1)'],
    [undefined, ''],
  ])('of %j', (end, text) => {
    expect(describeEnd(end)).toBe(text);
  });
});

describe('describeLogEnd', () => {
  it('takes a message that tells of no trouble for no cause', () => {
    expect(describeLogEnd([line(50, 'no database'), line(30, 'the controller leads')])).toBe('');
  });

  it.each([40, 50, 60])('tells a message of level %i', (level) => {
    expect(describeLogEnd([line(level, 'no database')])).toBe('; its log ends with: no database');
  });

  it('tells the error in front of a stack', () => {
    const lines = [line(30, 'listening'), '', 'RangeError: too far', '    at run (a.js:1)', '}'];

    expect(describeLogEnd(lines)).toBe('; its log ends with: RangeError: too far');
  });

  it('tells a line that is not structured', () => {
    expect(describeLogEnd(['null', 'Killed'])).toBe('; its log ends with: Killed');
  });

  it.each([[[]], [['']]])('tells nothing of an empty log', (lines) => {
    expect(describeLogEnd(lines)).toBe('');
  });
});
