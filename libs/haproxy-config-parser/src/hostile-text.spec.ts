// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are HAProxy's variables
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { checkDocument } from './check-document.js';
import { readConditionBlocks } from './condition-blocks.js';
import { configurations, mutationsOf } from './config-texts.test-support.js';
import { evaluateConditions } from './evaluate-conditions.js';
import { mergeOwned, removeOwned } from './merge-owned.js';
import type { OwnedPart } from './owned-placement.js';
import { parse, print } from './parse.js';
import { printCanonical } from './print-canonical.js';
import { readProxies } from './proxies.js';
import { readSections } from './typed-sections.js';

const owner = 'edge';
const parts: readonly OwnedPart[] = [
  { kind: 'lines', name: 'a', section: { kind: 'global' }, lines: [['maxconn', '1']] },
  { kind: 'sections', name: 'b', sections: [{ kind: 'backend', name: 'own', lines: [] }] },
];

/** Everything there is, on any text: none of it throws but `mergeOwned`, with its own error. */
function useAll(text: string): void {
  const document = parse(text);
  expect(print(document)).toBe(text);
  const { states, document: evaluated } = evaluateConditions(document, { version: '2.6.12' });
  expect(states.length).toBe(document.lines.length);
  expect(print(evaluated)).toBe(text);
  for (const { line, column } of checkDocument(document)) {
    const source = text.split('\n')[line - 1] ?? '';
    expect(column).toBeGreaterThanOrEqual(1);
    expect(column).toBeLessThanOrEqual(source.length + 1);
  }
  readConditionBlocks(document);
  readProxies(document, { states });
  readSections(document, { states });
  printCanonical(document);
  try {
    const merged = mergeOwned(document, parts, { owner });
    expect(print(removeOwned(merged, { owner }))).toBe(print(removeOwned(document, { owner })));
  } catch (error) {
    expect(error).toMatchObject({ name: 'OwnedMergeError' });
  }
}

describe('any text is read to its end without loss', () => {
  it('when it is random characters', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 300 }), useAll), { numRuns: 500 });
  });

  it('when it is random bytes', () => {
    const bytes = fc.uint8Array({ maxLength: 300 }).map((list) => String.fromCharCode(...list));

    fc.assert(fc.property(bytes, useAll), { numRuns: 500 });
  });

  it('when it is a configuration with faults', () => {
    fc.assert(fc.property(mutationsOf(configurations()), useAll), { numRuns: 300 });
  });

  it('when it is a configuration with NUL characters and other line ends', () => {
    const places = fc.array(fc.tuple(fc.nat(), fc.constantFrom('\0', '\r', '\r\n', '\n', '\v')));

    fc.assert(
      fc.property(configurations(), places, (text, changes) => {
        let result = text;
        for (const [at, piece] of changes) {
          const place = at % (result.length + 1);
          result = result.slice(0, place) + piece + result.slice(place);
        }
        useAll(result);
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ['no text', ''],
    ['a byte order mark', '\ufeffglobal\n'],
    [
      'names of JavaScript',
      'backend __proto__\n .if constructor(toString)\n acl hasOwnProperty __proto__\n',
    ],
    ['rules named so', 'backend b\n http-request __proto__(x) constructor if valueOf\n'],
    [
      'variables named so',
      'global\n setenv __proto__ x\n.if defined(__proto__) && defined(toString)\n.endif\n',
    ],
  ])('when it is %s', (_name, text) => {
    useAll(text);
  });
});

describe('a variable with the name of a JavaScript property', () => {
  it('is set only when it is set', () => {
    const text =
      '.if defined(toString)\nbackend a\n.endif\n.if defined(__proto__)\nbackend b\n.endif\n';

    expect(
      evaluateConditions(parse(text)).states.filter((state) => state === 'active'),
    ).toHaveLength(4);
    expect(evaluateConditions(parse(`global\n setenv __proto__ x\n${text}`)).states[6]).toBe(
      'active',
    );
  });
});

describe('work grows with the length of the text and not faster', () => {
  const native = {
    charCodeAt: String.prototype.charCodeAt,
    indexOf: String.prototype.indexOf,
    slice: String.prototype.slice,
    startsWith: String.prototype.startsWith,
  };
  afterEach(() => {
    Object.assign(String.prototype, native);
  });

  /** Counts characters looked at or copied by the functions a scanner is made of. */
  function countWork(run: () => void): number {
    let work = 0;
    const { charCodeAt, indexOf, slice, startsWith } = native;
    Object.assign(String.prototype, {
      charCodeAt(this: string, at: number) {
        work++;
        return charCodeAt.call(this, at);
      },
      startsWith(this: string, search: string, at?: number) {
        work += search.length;
        return startsWith.call(this, search, at);
      },
      indexOf(this: string, search: string, at = 0) {
        const found = indexOf.call(this, search, at);
        work += (found === -1 ? this.length : found) - at;
        return found;
      },
      slice(this: string, from?: number, to?: number) {
        const piece = slice.call(this, from, to);
        work += piece.length;
        return piece;
      },
    });
    try {
      run();
    } finally {
      Object.assign(String.prototype, native);
    }
    return work;
  }

  const repeat = (piece: string) => (times: number) => piece.repeat(times);
  const shapes: readonly (readonly [name: string, build: (times: number) => string])[] = [
    ['servers', repeat('    server s1 "10.0.0.1:80" check # x\n')],
    [
      'backends',
      (times) => Array.from({ length: times }, (_, index) => `backend b${index}\n m\n`).join(''),
    ],
    ['defaults of one name', repeat('defaults d\nbackend x from d\n')],
    ['open conditions', repeat('.if 1\n')],
    ['nested conditions', (times) => '.if 1\n'.repeat(times) + '.endif\n'.repeat(times)],
    ['environment changes', (times) => `global\n${' setenv A "$A"\n'.repeat(times)}`],
    [
      'many variables',
      (times) =>
        `global\n${Array.from({ length: times }, (_, index) => ` setenv A${index} "$A"\n`).join('')}`,
    ],
    ['a long word', repeat('a')],
    ['a long line of words', repeat('a b"c" ')],
    ['a line of quotes', repeat('"')],
    ['a line of backslashes', repeat('\\')],
    ['open braces', (times) => `x "${'${A-'.repeat(times)}`],
    ['open brackets', (times) => `x "${'${A[*]'.repeat(times)}`],
    ['word expansions', repeat('"${A[*]}" ')],
    ['white space', repeat(' \t')],
    ['a comment of spaces', (times) => `# ${' '.repeat(times)}x\n`],
    ['carriage returns', repeat('\r')],
    ['NUL characters', repeat('\0')],
    ['NUL lines', repeat('a\0\n')],
    ['a long condition', (times) => `.if ${'1&&'.repeat(times)}1\n.endif\n`],
    [
      'a long argument',
      (times) => `.if streq(${'a'.repeat(times)},${'b\\'.repeat(times)})\n.endif\n`,
    ],
    ['marks of others', repeat('# BEGIN x y\n# END x y\n')],
    ['comments', repeat('# about\n')],
    ['rules', (times) => `backend b\n${' http-request deny if { path a } or !x\n'.repeat(times)}`],
    ['one long rule', (times) => `backend b\n http-request deny if ${'{ '.repeat(times)}\n`],
  ];

  it.each(shapes)('for %s', (_name, build) => {
    const run = (text: string) => (): void => {
      const document = parse(text, { environment: { A: 'x y' } });
      print(document);
      checkDocument(document, { version: '2.6.12', features: [] });
      readProxies(document);
      readSections(document);
      printCanonical(document);
      try {
        removeOwned(mergeOwned(document, parts, { owner }), { owner });
      } catch (error) {
        expect(error).toMatchObject({ name: 'OwnedMergeError' });
      }
    };

    const [small = 1, large = 1] = [500, 1000].map((times) => countWork(run(build(times))));

    expect(small).toBeGreaterThan(100);
    expect(large / small).toBeLessThan(2.5);
  });
});

it('reads a word of ten million characters and a line of a million words', () => {
  const word = `backend b\n description ${'x'.repeat(10_000_000)}\n`;
  const words = `backend b\n ${'y '.repeat(1_000_000)}\n`;

  expect(print(parse(word))).toBe(word);
  expect(print(parse(words))).toBe(words);
});
