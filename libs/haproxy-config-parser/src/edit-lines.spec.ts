// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are HAProxy's variables
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { appendSection, editLines, type LineEdit } from './edit-lines.js';
import type { ConfigDocument } from './model.js';
import { parse, print } from './parse.js';
import { findSection, type Section, sections } from './sections.js';

const EDGE = `# hand-written
backend a
\tserver  one   10.0.0.1:80 "check"   # first
\tserver two 10.0.0.2:80

# about b
backend b
    mode http
`;

function sectionOf(document: ConfigDocument, kind: string, name: string): Section {
  const section = findSection(document, kind, name);
  if (section === undefined) throw new Error(`section ${kind} ${name} not found`);
  return section;
}

describe('editLines', () => {
  it('appends behind the last statement with the indent of its neighbour', () => {
    const document = parse(EDGE);

    const edited = editLines(document, [
      {
        kind: 'append',
        section: sectionOf(document, 'backend', 'a'),
        words: ['server', 'x y', ':1'],
      },
      {
        kind: 'append',
        section: sectionOf(document, 'backend', 'a'),
        words: ['server', 'z', ':2'],
      },
    ]);

    expect(print(edited)).toBe(
      EDGE.replace('.2:80\n', '.2:80\n\tserver "x y" :1\n\tserver z :2\n'),
    );
  });

  it('replaces words and keeps spacing, comment and the source of equal words', () => {
    const edited = editLines(parse(EDGE), [
      { kind: 'replace', lineIndex: 2, words: ['server', 'one', '10.0.0.9:80', 'check', 'backup'] },
    ]);

    expect(print(edited)).toBe(
      EDGE.replace('10.0.0.1:80 "check"   #', '10.0.0.9:80 "check" backup   #'),
    );
  });

  it('keeps a variable whose value stays equal', () => {
    const document = parse('global\n setenv A "$HOST" b', { environment: { HOST: 'h' } });

    const edited = editLines(document, [
      { kind: 'replace', lineIndex: 1, words: ['setenv', 'A', 'h', 'c'] },
    ]);

    expect(print(edited)).toBe('global\n setenv A "$HOST" c');
  });

  it('quotes a kept word whose backslash would take in what follows', () => {
    const edited = editLines(parse('backend a\n acl x path_reg a\\\n'), [
      { kind: 'replace', lineIndex: 1, words: ['acl', 'x', 'path_reg', 'a\\', 'b'] },
    ]);

    expect(print(edited)).toBe("backend a\n acl x path_reg 'a\\' b\n");
  });

  it('removes and inserts by the indices of the given document', () => {
    const edited = editLines(parse(EDGE), [
      { kind: 'remove', lineIndex: 2 },
      { kind: 'insert', lineIndex: 3, words: ['server', 'new', ':3'] },
      { kind: 'remove', lineIndex: 7 },
    ]);

    expect(print(edited)).toBe(`# hand-written
backend a
\tserver new :3
\tserver two 10.0.0.2:80

# about b
backend b
`);
  });

  it('ends a last line without line feed before it adds one behind it', () => {
    const document = parse('backend a\r\n  mode tcp');

    const edited = editLines(document, [
      { kind: 'append', section: sectionOf(document, 'backend', 'a'), words: ['balance', 'first'] },
    ]);

    expect(print(edited)).toBe('backend a\r\n  mode tcp\r\n  balance first\r\n');
  });

  it.each([
    [
      'a block of its own',
      'backend a\n.if X\n m 1\n.endif\n',
      'backend a\n.if X\n m 1\n.endif\n n\n',
    ],
    [
      'the next section',
      'backend a\n m\n.if X\nbackend b\n',
      'backend a\n m\n n\n.if X\nbackend b\n',
    ],
    ['the header', '.if X\nbackend a\n m\n.endif\n o\n', '.if X\nbackend a\n m\n n\n.endif\n o\n'],
    [
      'one branch',
      '.if X\nbackend a\n m\n.else\nbackend b\n.endif\n',
      '.if X\nbackend a\n m\n n\n.else\nbackend b\n.endif\n',
    ],
  ])('appends under the conditions of the header when .if encloses %s', (_name, before, after) => {
    const document = parse(before);

    const edited = editLines(document, [
      { kind: 'append', section: sectionOf(document, 'backend', 'a'), words: ['n'] },
    ]);

    expect(print(edited)).toBe(after);
  });

  it('indents the first line of an empty section by four spaces', () => {
    const document = parse('backend a\n');

    const edited = editLines(document, [{ kind: 'insert', lineIndex: 1, words: ['mode', 'tcp'] }]);

    expect(print(edited)).toBe('backend a\n    mode tcp\n');
  });

  it.each<[string, LineEdit[], string]>([
    ['a missing line', [{ kind: 'remove', lineIndex: 8 }], 'no-such-line'],
    ['a place behind the end', [{ kind: 'insert', lineIndex: 9, words: ['a'] }], 'no-such-line'],
    ['a new section', [{ kind: 'insert', lineIndex: 2, words: ['global'] }], 'reserved-first-word'],
    [
      'a line turned into a section',
      [{ kind: 'replace', lineIndex: 2, words: ['listen', 'x'] }],
      'reserved-first-word',
    ],
    [
      'two changes of one line',
      [
        { kind: 'remove', lineIndex: 2 },
        { kind: 'replace', lineIndex: 2, words: ['a'] },
      ],
      'conflicting-edits',
    ],
  ])('refuses %s', (_name, edits, code) => {
    expect(() => editLines(parse(EDGE), edits)).toThrow(expect.objectContaining({ code }));
  });

  it('refuses a section of another document', () => {
    const section = sectionOf(parse(`\n\n\n${EDGE}`), 'backend', 'a');

    expect(() => editLines(parse(EDGE), [{ kind: 'append', section, words: ['a'] }])).toThrow(
      expect.objectContaining({ code: 'no-such-line' }),
    );
  });

  it('leaves every line it was not asked to touch byte for byte', () => {
    const line = fc.constantFrom('backend b', ' a "b c" #d', '.if x', '', '\tq\r', "x 'y", ' c#d');
    const words = fc.array(fc.constantFrom('a', 'b c', '', "'", '[x]', '\n'), { maxLength: 4 });

    fc.assert(
      fc.property(
        fc.array(line, { minLength: 1, maxLength: 12 }),
        fc.nat(),
        words,
        (lines, place, more) => {
          const document = parse(`${lines.join('\n')}\n`);
          const lineIndex = place % lines.length;
          const list = ['first', ...more];

          const edited = editLines(document, [
            { kind: 'replace', lineIndex, words: list },
            { kind: 'insert', lineIndex, words: list },
          ]);

          const result = print(edited).split('\n');
          expect(result.slice(0, lineIndex)).toEqual(lines.slice(0, lineIndex));
          expect(result.slice(lineIndex + 2, -1)).toEqual(lines.slice(lineIndex + 1));
          for (const index of [lineIndex, lineIndex + 1]) {
            expect(edited.lines[index]?.words.map(({ value }) => value)).toEqual(list);
          }
        },
      ),
    );
  });
});

describe('appendSection', () => {
  const spec = { kind: 'backend', name: 'c', lines: [['mode', 'tcp']] };

  it('adds a section behind an empty line, in the line ends of the file', () => {
    expect(print(appendSection(parse('global\r\n x'), spec))).toBe(
      'global\r\n x\r\n\r\nbackend c\r\n    mode tcp\r\n',
    );
  });

  it('begins an empty file', () => {
    const document = appendSection(parse(''), spec);

    expect(print(document)).toBe('backend c\n    mode tcp\n');
    expect(sections(document).map(({ name }) => name)).toEqual(['c']);
  });
});
