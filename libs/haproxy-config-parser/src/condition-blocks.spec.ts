import { expect, it } from 'vitest';
import { readConditionBlocks } from './condition-blocks.js';
import { parse } from './parse.js';

it('reads conditionals as a tree, whatever sections they enclose', () => {
  const text = [
    '.endif',
    'backend a',
    '.if feature(X) &&  streq("a b",c)',
    'backend b',
    ' .if 1',
    ' .endif',
    '.elif 0',
    '.else',
    'backend c',
    '.endif',
    '.if 2',
    '',
  ].join('\n');

  expect(readConditionBlocks(parse(text))).toEqual([
    {
      branches: [
        {
          keyword: '.if',
          lineIndex: 2,
          endIndex: 6,
          condition: 'feature(X) && streq(a b,c)',
          blocks: [
            {
              branches: [{ keyword: '.if', lineIndex: 4, endIndex: 5, condition: '1', blocks: [] }],
              endifIndex: 5,
            },
          ],
        },
        { keyword: '.elif', lineIndex: 6, endIndex: 7, condition: '0', blocks: [] },
        { keyword: '.else', lineIndex: 7, endIndex: 9, condition: '', blocks: [] },
      ],
      endifIndex: 9,
    },
    {
      branches: [{ keyword: '.if', lineIndex: 10, endIndex: 11, condition: '2', blocks: [] }],
    },
  ]);
});
