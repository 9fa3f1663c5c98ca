// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are HAProxy's variables
import { describe, expect, it } from 'vitest';
import { parse } from './parse.js';
import { findSection, findStatements, sections } from './sections.js';

describe('sections', () => {
  it('reads headers with names, anonymous defaults and from', () => {
    const document = parse(
      ['global', 'defaults', 'defaults a', 'defaults b from a', 'defaults from b', ''].join('\n') +
        'backend x from b\nuserlist u\n"listen" "l"\n',
    );

    expect(sections(document).map(({ kind, name, from }) => [kind, name, from])).toEqual([
      ['global', undefined, undefined],
      ['defaults', undefined, undefined],
      ['defaults', 'a', undefined],
      ['defaults', 'b', 'a'],
      ['defaults', undefined, 'b'],
      ['backend', 'x', 'b'],
      ['userlist', 'u', undefined],
      ['listen', 'l', undefined],
    ]);
  });

  it('reads binds, one for each address, and servers', () => {
    const document = parse(
      [
        '# edge',
        'listen web',
        '    bind :80,[::1]:8080 # two',
        '    bind "/run/a b" mode 600',
        '    server s1 "${HOST}:80" check inter "2s"',
        '    no server s2',
        '',
      ].join('\n'),
      { environment: { HOST: '10.0.0.1' } },
    );

    const web = findSection(document, 'listen', 'web');

    expect(web?.binds).toEqual([
      { lineIndex: 2, address: ':80', parameters: [] },
      { lineIndex: 2, address: '[::1]:8080', parameters: [] },
      { lineIndex: 3, address: '/run/a b', parameters: ['mode', '600'] },
    ]);
    expect(web?.servers).toEqual([
      { lineIndex: 4, name: 's1', address: '10.0.0.1:80', parameters: ['check', 'inter', '2s'] },
    ]);
  });

  it('separates the modifiers no and default from the keyword', () => {
    const document = parse('defaults\n no option httplog\n default log\n option httplog\n no\n');

    expect(findSection(document, 'defaults')?.statements).toEqual([
      { lineIndex: 1, conditionDepth: 0, modifier: 'no', words: ['option', 'httplog'] },
      { lineIndex: 2, conditionDepth: 0, modifier: 'default', words: ['log'] },
      { lineIndex: 3, conditionDepth: 0, words: ['option', 'httplog'] },
      { lineIndex: 4, conditionDepth: 0, words: ['no'] },
    ]);
  });

  it('lets conditionals span sections and tells how deep a statement is in them', () => {
    const document = parse(
      [
        'backend a',
        ' server one :1',
        '.if feature(LUA)',
        ' server two :2',
        'backend b',
        ' server three :3',
        '.endif',
        ' server four :4',
        '',
      ].join('\n'),
    );

    const found = sections(document).map(({ name, statements, headerIndex, endIndex }) => ({
      name,
      span: [headerIndex, endIndex],
      depths: statements.map(({ words, conditionDepth }) => [words[1], conditionDepth]),
    }));

    expect(found).toEqual([
      {
        name: 'a',
        span: [0, 4],
        depths: [
          ['one', 0],
          ['two', 1],
        ],
      },
      {
        name: 'b',
        span: [4, 8],
        depths: [
          ['three', 1],
          ['four', 0],
        ],
      },
    ]);
  });

  it('leaves out lines HAProxy does not read as keywords of the section', () => {
    const document = parse(
      'mode tcp\nglobal\n[scope]\n"" skipped\n.notice hello\n# no\n maxconn 1\n',
    );

    expect(
      sections(document).map(({ statements }) => statements.map(({ words }) => words)),
    ).toEqual([[['maxconn', '1']]]);
  });

  it('finds statements by their first words', () => {
    const document = parse(
      'backend b\n option httpchk\n option redispatch\n option httpchk GET /\n',
    );
    const section = findSection(document, 'backend');
    if (section === undefined) throw new Error('backend not found');

    expect(findStatements(section, 'option', 'httpchk').map(({ lineIndex }) => lineIndex)).toEqual([
      1, 3,
    ]);
    expect(findSection(document, 'backend', 'other')).toBeUndefined();
  });
});
