import { describe, expect, it } from 'vitest';
import { problemKeys } from './problem-keys.js';

const LABEL = { kind: 'label', appId: '/shop', message: 'MODE: no such mode' };

describe('keys of problems', () => {
  it('are one for each, also of two ports with the same problem, and of problems that are told twice', () => {
    const keys = problemKeys([
      { ...LABEL, portIndex: 0 },
      { ...LABEL, portIndex: 1 },
      { ...LABEL, portIndex: 1 },
      { ...LABEL, router: 'r1', portIndex: 1 },
      LABEL,
    ]);

    expect(new Set(keys).size).toBe(5);
  });

  it('stay with their problem while others come and go', () => {
    const [before] = problemKeys([{ ...LABEL, portIndex: 1 }]);
    const [, after] = problemKeys([
      { ...LABEL, portIndex: 0 },
      { ...LABEL, portIndex: 1 },
    ]);

    expect(after).toBe(before);
  });
});
