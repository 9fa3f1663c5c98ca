import { expect, it } from 'vitest';
import { explainProblems } from './explain-problems.js';

const BODY = {
  id: '/g',
  groups: [{ id: 'h', apps: [{ id: 'i', mem: 'x', env: { constructor: 5 } }] }],
};

it.each([
  ['/groups(0)/apps(0)/mem', 'error.expected.jsnumber', 'must be a number, not "x" (in "h", "i")'],
  ['/groups(0)/apps(0)/cmd', 'error.path.missing', 'is required (in "h", "i")'],
  [
    '/groups(0)/apps(0)/env/constructor',
    'error.expected.jsstring',
    'must be a text, not 5 (in "h", "i")',
  ],
  ['/nowhere(7)/toString', 'error.expected.jsstring', 'must be a text'],
  ['/', 'error.expected.jsarray', `must be a list, not ${JSON.stringify(BODY).slice(0, 60)}...`],
  ['/id', 'error.unknown.enum.literal: "/g" is not one of a, b', '"/g" is not one of a, b'],
])('%s %s: %s', (path, code, words) => {
  expect(explainProblems([{ path, errors: [code] }], BODY)).toEqual([
    { path, errors: [code], explained: [words] },
  ]);
});
