import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeOwned, removeOwned } from './merge-owned.js';
import type { OwnedPart } from './owned-placement.js';
import { parse, print } from './parse.js';

const owner = 'pacer';

const BASE = `# the edge of example.org
# kept by hand

global
\tmaxconn 2000   # enough
\tlog stdout local0

defaults
\tmode http
\ttimeout connect "3s"

frontend legacy
\tbind :81
\tdefault_backend legacy
backend legacy
\tserver s 10.0.0.1:80
`;

const stats: OwnedPart = {
  kind: 'lines',
  name: 'stats',
  section: { kind: 'global' },
  lines: [['stats', 'socket', '/run/a b', 'level', 'admin']],
};
const routes: OwnedPart = {
  kind: 'sections',
  name: 'routes',
  sections: [
    { kind: 'backend', name: 'shop', lines: [['server', 's1', '10.0.0.2:80']] },
    { kind: 'backend', name: 'blog', lines: [] },
  ],
};

const merge = (base: string, ...parts: readonly OwnedPart[]): string =>
  print(mergeOwned(base, parts, { owner }));
const remove = (base: string): string => print(removeOwned(base, { owner }));

describe('mergeOwned', () => {
  it('writes lines at the end of their section and sections at the end of the file, between marks', () => {
    expect(merge(BASE, stats, routes)).toBe(
      BASE.replace(
        '\tlog stdout local0\n',
        '\tlog stdout local0\n\t# BEGIN pacer stats\n\tstats socket "/run/a b" level admin\n\t# END pacer stats\n',
      ) +
        '# BEGIN pacer routes\nbackend shop\n    server s1 10.0.0.2:80\n\nbackend blog\n# END pacer routes\n',
    );
  });

  it('writes nothing for no parts and for empty ones', () => {
    expect(merge(BASE)).toBe(BASE);
    expect(merge(BASE, { ...stats, lines: [] }, { ...routes, sections: [] })).toBe(BASE);
  });

  it('gives the same bytes again, and the base when the parts are gone', () => {
    const merged = merge(BASE, stats, routes);

    expect(merge(merged, stats, routes)).toBe(merged);
    expect(merge(merged, routes)).toBe(merge(BASE, routes));
    expect(merge(merged)).toBe(BASE);
    expect(remove(merged)).toBe(BASE);
  });

  it('takes a document and reads the result with its options', () => {
    const document = parse('global\n setenv A "$HOST"\n', { environment: { HOST: 'h' } });

    const merged = mergeOwned(document, [stats], { owner });

    expect(merged.options).toBe(document.options);
    expect(merged.lines[1]?.words[2]?.value).toBe('h');
  });

  it('leaves a block where an operator moved it inside its section, and moves it back from elsewhere', () => {
    const block = ' # BEGIN pacer stats\n old\n # END pacer stats\n';
    const written = block.replace('old', 'stats socket "/run/a b" level admin');
    const inside = `global\n${block} maxconn 1\nbackend b\n mode tcp\n`;
    const outside = `global\n maxconn 1\nbackend b\n mode tcp\n${block}`;

    expect(merge(inside, stats)).toBe(inside.replace(block, written));
    expect(merge(outside, stats)).toBe(`global\n maxconn 1\n${written}backend b\n mode tcp\n`);
  });

  it('moves whole sections behind what an operator added at the end, so that no defaults of ours reach it', () => {
    const merged = merge(BASE, routes);

    expect(merge(`${merged}frontend more\n`, routes)).toBe(merge(`${BASE}frontend more\n`, routes));
  });

  it('leaves whole sections before comments and sections of other owners at the end', () => {
    const both = print(
      mergeOwned(
        merge(BASE, routes),
        [{ ...routes, sections: [{ kind: 'peers', name: 'p', lines: [] }] }],
        {
          owner: 'other',
        },
      ),
    );

    expect(merge(`${both}# bye\n`, routes)).toBe(`${both}# bye\n`);
  });

  it('keeps whole sections in the order of the parts when one is added before another', () => {
    const defaults: OwnedPart = {
      kind: 'sections',
      name: 'base',
      sections: [{ kind: 'defaults', name: 'own', lines: [] }],
    };

    const merged = merge(`${merge('global\n', routes)}# bye\n`, defaults, routes);

    expect(merged.match(/^# .*$/gm)).toEqual([
      '# BEGIN pacer base',
      '# END pacer base',
      '# BEGIN pacer routes',
      '# END pacer routes',
      '# bye',
    ]);
  });

  it('keeps lines of one section in the order of the parts when one is added before another', () => {
    const first: OwnedPart = { ...stats, name: 'first', lines: [['first']] };
    const last: OwnedPart = { ...stats, name: 'last', lines: [['last']] };

    const merged = merge(`${merge('global\n', stats)} maxconn 1\n`, first, stats, last);

    expect(merged.match(/BEGIN pacer \w+|maxconn/g)).toEqual([
      'BEGIN pacer first',
      'BEGIN pacer stats',
      'maxconn',
      'BEGIN pacer last',
    ]);
    expect(merge(merged, first, stats, last)).toBe(merged);
  });

  it('keeps out of the blocks of other owners', () => {
    const other = print(mergeOwned('global\n', [stats], { owner: 'other' }));

    expect(merge(other, stats)).toBe(
      `${other}    # BEGIN pacer stats\n    stats socket "/run/a b" level admin\n    # END pacer stats\n`,
    );
  });

  it('creates global at the top, behind a banner, for all parts that want it', () => {
    const more: OwnedPart = { ...stats, name: 'more', lines: [{ comment: 'hello' }] };

    const merged = merge('# banner\n\nbackend b\n', stats, more);

    expect(merged).toBe(
      '# banner\n\n# BEGIN pacer stats\nglobal\n    stats socket "/run/a b" level admin\n# END pacer stats\n' +
        '    # BEGIN pacer more\n    # hello\n    # END pacer more\nbackend b\n',
    );
    expect(merge(merged, stats, more)).toBe(merged);
    expect(merge(merged, more)).toBe(
      '# banner\n\n# BEGIN pacer more\nglobal\n    # hello\n# END pacer more\nbackend b\n',
    );
  });

  it.each([
    ['a base without text', '', 0],
    ['a comment about the first section', '# about b\nbackend b\n', 0],
    ['only a conditional global', '.if defined(A)\nglobal\n.endif\n', 0],
  ])('creates global before %s', (_name, base, at) => {
    const block =
      '# BEGIN pacer stats\nglobal\n    stats socket "/run/a b" level admin\n# END pacer stats\n';

    expect(merge(base, stats)).toBe(base.slice(0, at) + block + base.slice(at));
  });

  it('creates defaults before the first proxy, its comments and its conditionals, and others at the end', () => {
    const base = 'global\n maxconn 1\n# about it\n.if defined(A)\nlisten l\n.endif\n';
    const defaults: OwnedPart = {
      kind: 'lines',
      name: 'd',
      section: { kind: 'defaults', name: 'own', from: 'base' },
      lines: [['mode', 'tcp']],
    };
    const front: OwnedPart = {
      kind: 'lines',
      name: 'f',
      section: { kind: 'frontend', name: 'in' },
      lines: [['bind', ':80']],
    };

    expect(merge(base, front, defaults, routes)).toBe(
      'global\n maxconn 1\n# BEGIN pacer d\ndefaults own from base\n    mode tcp\n# END pacer d\n' +
        '# about it\n.if defined(A)\nlisten l\n.endif\n' +
        '# BEGIN pacer f\nfrontend in\n    bind :80\n# END pacer f\n' +
        '# BEGIN pacer routes\nbackend shop\n    server s1 10.0.0.2:80\n\nbackend blog\n# END pacer routes\n',
    );
  });

  it('writes under the conditions of the section header', () => {
    const part: OwnedPart = {
      kind: 'lines',
      name: 'x',
      section: { kind: 'backend', name: 'a' },
      lines: [['n']],
    };
    const block = ' # BEGIN pacer x\n n\n # END pacer x\n';

    expect(merge('.if A\nbackend a\n m\n.else\nbackend b\n.endif\n', part)).toBe(
      `.if A\nbackend a\n m\n${block}.else\nbackend b\n.endif\n`,
    );
    expect(merge('backend a\n m\n.if A\n o\n.endif\n', part)).toBe(
      `backend a\n m\n.if A\n o\n.endif\n${block}`,
    );
  });

  it('prefers a section that is always there to its twins in conditionals', () => {
    const part: OwnedPart = {
      kind: 'lines',
      name: 'x',
      section: { kind: 'backend', name: 'a' },
      lines: [['n']],
    };

    expect(merge('.if A\nbackend a\n m\n.endif\nbackend a\n o\n', part)).toMatch(/ o\n # BEGIN/);
  });

  it('uses the line ends of the base and tells a line feed it had to add from the base', () => {
    const merged = merge('global\r\n maxconn 1', stats);

    expect(merged).toBe(
      'global\r\n maxconn 1\n # BEGIN pacer stats (line feed added)\r\n stats socket "/run/a b" level admin\r\n # END pacer stats\r\n',
    );
    expect(remove(merged)).toBe('global\r\n maxconn 1');
    expect(remove(`${merged} nbthread 2\r\n`)).toBe('global\r\n maxconn 1\n nbthread 2\r\n');
  });
});

describe('mergeOwned refuses', () => {
  const B = '# BEGIN pacer';
  const E = '# END pacer';

  it.each([
    ['a block that does not end', `global\n${B} a\n`, 'begin-without-end', 2, undefined],
    ['an end that has no block', `global\n\n${E} a\n`, 'end-without-begin', 3, undefined],
    ['an end of another block', `${B} a\n${E} b\n${E} a\n`, 'end-without-begin', 2, undefined],
    ['a block in a block', `${B} a\n ${B} b\n${E} b\n${E} a\n`, 'nested-block', 2, 1],
    ['a block that is there twice', `${B} a\n${E} a\n${B} a\n${E} a\n`, 'repeated-block', 3, 1],
  ])('%s and names the line', (_name, base, code, line, otherLine) => {
    const expected = expect.objectContaining({ name: 'OwnedMergeError', code, line, otherLine });

    expect(() => merge(base, stats)).toThrow(expected);
    expect(() => remove(base)).toThrow(expected);
  });

  it('sections behind an open .if', () => {
    const base = 'global\n.if A\n.if B\n.endif\n';

    expect(() => merge(base, routes)).toThrow(
      expect.objectContaining({ code: 'open-condition', line: 2, part: 'routes' }),
    );
    expect(merge(base, stats)).toContain('stats socket');
  });

  it.each([
    ['frontend shop\n', false],
    ['backend shop\n', true],
    ['listen shop\n', true],
    ['defaults shop\n', false],
    ['.if A\nbackend shop\n.endif\n', true],
  ])('a generated backend whose name %j has: %s', (more, isClash) => {
    const base = merge(`global\nbackend zero\n${more}`, stats);
    const line = base.split('\n').findIndex((text) => text.endsWith(' shop')) + 1;

    const attempt = () => merge(base, stats, routes);

    if (!isClash) expect(attempt).not.toThrow();
    else {
      const otherLine = base.split('\n').length + 1;
      expect(attempt).toThrow(
        expect.objectContaining({ code: 'proxy-clash', line, otherLine, part: 'routes' }),
      );
      expect(attempt).toThrow(`line ${line} of the base`);
      expect(attempt).toThrow(`line ${otherLine} of the result`);
    }
  });

  it('a generated section of the kind and name of another, and two generated ones', () => {
    const peers: OwnedPart = {
      kind: 'sections',
      name: 'p',
      sections: [{ kind: 'peers', name: 'x', lines: [] }],
    };

    expect(() => merge('peers x\n', peers)).toThrow(
      expect.objectContaining({ code: 'section-clash', line: 1, otherLine: 3 }),
    );
    expect(() => merge('global\n', peers, { ...peers, name: 'q' })).toThrow(
      expect.objectContaining({ code: 'section-clash', line: undefined, part: 'q' }),
    );
  });

  it.each<[string, OwnedPart[], string]>([
    ['a name with a space', [{ ...stats, name: 'a b' }], 'invalid-part-name'],
    ['a part twice', [stats, { ...routes, name: 'stats' }], 'repeated-part'],
    ['a mark in a comment', [{ ...stats, lines: [{ comment: 'END x y' }] }], 'mark-in-part'],
    ['an open .if', [{ ...stats, lines: [['.if', '1']] }], 'unbalanced-part'],
    ['a stray .endif', [{ ...stats, lines: [['.endif'], ['.if', '1']] }], 'unbalanced-part'],
    ['a stray .else', [{ ...stats, lines: [['.else']] }], 'unbalanced-part'],
    ['a word with NUL', [{ ...stats, lines: [['a', '\0']] }], 'nul-in-word'],
    ['a section keyword', [{ ...stats, lines: [['backend', 'x']] }], 'reserved-first-word'],
  ])('%s', (_name, parts, code) => {
    expect(() => merge(BASE, ...parts)).toThrow(expect.objectContaining({ code }));
  });

  it('an owner that would break its marks', () => {
    expect(() => mergeOwned('', [], { owner: 'a\nb' })).toThrow(
      expect.objectContaining({ code: 'invalid-owner' }),
    );
  });

  it('a section that is there twice, unless an operator put the marks into one', () => {
    const part: OwnedPart = { ...stats, section: { kind: 'defaults' } };
    const base = 'defaults\n mode tcp\ndefaults\n mode http\n';

    expect(() => merge(base, part)).toThrow(
      expect.objectContaining({ code: 'ambiguous-section', line: 1, otherLine: 3 }),
    );
    expect(merge(`${base} ${B} stats\n ${E} stats\n`, part)).toMatch(
      /http\n # BEGIN pacer stats\n/,
    );
  });

  it('lines in a section another owner generated', () => {
    const base = print(mergeOwned('', [routes], { owner: 'other' }));
    const part: OwnedPart = { ...stats, section: { kind: 'backend', name: 'shop' } };

    expect(() => merge(base, part)).toThrow(
      expect.objectContaining({ code: 'section-of-another-owner', line: 2 }),
    );
  });

  it('a new section that would take in the statements behind it', () => {
    expect(() => merge('mode tcp\n', stats)).toThrow(
      expect.objectContaining({ code: 'statement-after-block', line: 1 }),
    );
  });
});

describe('whatever the base', () => {
  const line = fc.constantFrom(
    'global',
    'defaults',
    'frontend web',
    'backend web',
    'backend b',
    '\tmode http  # x',
    ' server s :80',
    '# comment',
    '',
    '.if defined(A)',
    '.else',
    '.endif',
    '# BEGIN other x',
    '# END other x',
    ' maxconn 5\r',
    "broken 'quote",
  );
  const text = fc
    .tuple(fc.array(line, { maxLength: 14 }), fc.constantFrom('\n', ''))
    .map(([lines, end]) => lines.join('\n') + end);
  const lines = fc.array(fc.constantFrom(['a', 'b c'], ['x'], ['.if', '1'], ['.endif']), {
    maxLength: 3,
  });
  const part = fc.oneof(
    fc.record({
      kind: fc.constant('lines' as const),
      name: fc.constantFrom('p', 'q', 'r'),
      section: fc.constantFrom(
        { kind: 'global' },
        { kind: 'defaults' },
        { kind: 'frontend', name: 'web' },
        { kind: 'backend', name: 'b' },
        { kind: 'peers', name: 'n' },
      ),
      lines,
    }),
    fc.record({
      kind: fc.constant('sections' as const),
      name: fc.constantFrom('p', 'q', 's'),
      sections: fc.array(
        fc.record({
          kind: fc.constantFrom('backend', 'listen', 'userlist'),
          name: fc.constantFrom('n1', 'n2', 'b'),
          lines: fc.constant([['mode', 'tcp']]),
        }),
        { maxLength: 2 },
      ),
    }),
  );
  const parts = fc.uniqueArray(part, { maxLength: 4, selector: ({ name }) => name });

  /** The merge, or undefined where it is refused with a typed error. */
  function tryMerge(base: string, list: readonly OwnedPart[]): string | undefined {
    try {
      return merge(base, ...list);
    } catch (error) {
      expect(error).toEqual(expect.objectContaining({ name: 'OwnedMergeError' }));
      return undefined;
    }
  }

  it('is given back by removeOwned, and the same parts give the same bytes', () => {
    let merges = 0;
    fc.assert(
      fc.property(text, parts, (base, list) => {
        const merged = tryMerge(base, list);
        if (merged === undefined) return;
        merges++;
        expect(remove(merged)).toBe(base);
        expect(merge(merged, ...list)).toBe(merged);
      }),
      { numRuns: 3000, endOnFailure: true },
    );
    expect(merges).toBeGreaterThan(500);
  });

  it('keeps every byte outside of the marks when other parts are merged into a merged file', () => {
    fc.assert(
      fc.property(text, parts, parts, (base, first, second) => {
        const merged = tryMerge(base, first);
        if (merged === undefined) return;
        const again = tryMerge(merged, second);
        if (again === undefined) return;
        expect(remove(again)).toBe(base);
        expect(merge(again, ...second)).toBe(again);
        const isLines = ({ kind }: OwnedPart): boolean => kind === 'lines';
        if (![...first, ...second].some(isLines)) expect(again).toBe(merge(base, ...second));
      }),
      { numRuns: 3000, endOnFailure: true },
    );
  });
});
