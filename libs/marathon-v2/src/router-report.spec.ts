import { describe, expect, it } from 'vitest';
import { unwrap } from './marathon-v2.test-support.js';
import { readRouterReport } from './router-report.js';
import { MAX_BACKENDS } from './router-statistics.js';

const REPORT = { appliedSequence: 7, drainedTasks: ['web.1'] };

describe('a report of a router', () => {
  it.each([
    ['a text', 'none'],
    ['a list', [1]],
    ['a number', 7],
    ['true', true],
  ])('whose statistics are %s counts without them', (_what, statistics) => {
    const read = readRouterReport({ ...REPORT, statistics });

    expect(unwrap(read)).toEqual(REPORT);
    expect(read.ok && read.warnings).toEqual(['statistics is not an object: left out']);
  });

  it('without statistics says nothing of them', () => {
    for (const statistics of [undefined, null]) {
      const read = readRouterReport({ ...REPORT, statistics });

      expect([unwrap(read), read.ok && read.warnings]).toEqual([REPORT, []]);
    }
  });

  it('keeps the first backends up to the limit, and says how many there were', () => {
    const backends = Object.fromEntries(
      Array.from({ length: MAX_BACKENDS + 1 }, (_, at) => [`web_${at}`, { sessions: at }]),
    );

    const read = readRouterReport({ ...REPORT, statistics: { version: 1, backends } });

    expect(Object.keys(unwrap(read).statistics?.backends ?? {})).toHaveLength(MAX_BACKENDS);
    expect(read.ok && read.warnings).toEqual([
      'statistics.backends has 10001 entries, of which the first 10000 count: left out',
    ]);
  });

  it('has a URL of a sensible length', () => {
    const read = readRouterReport({ ...REPORT, url: 'x'.repeat(3_000) });

    expect(JSON.stringify(read)).toContain('it has 3000 characters; at most 2048 are allowed');
  });
});
