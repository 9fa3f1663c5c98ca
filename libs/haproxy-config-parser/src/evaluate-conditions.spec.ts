// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are HAProxy's variables
import { describe, expect, it } from 'vitest';
import type { ConditionFacts } from './condition-facts.js';
import { evaluateConditions } from './evaluate-conditions.js';
import { compareHaproxyVersions, parseHaproxyVersion } from './haproxy-version.js';
import { parse } from './parse.js';

/** One letter for each line: a(ctive), i(nactive), u(nknown). */
const statesOf = (lines: readonly string[], facts: ConditionFacts = {}): string =>
  evaluateConditions(parse(`${lines.join('\n')}\n`), facts)
    .states.map((state) => state.slice(0, 1))
    .join('');

describe('evaluateConditions', () => {
  it('takes one branch of each conditional, across sections', () => {
    expect(
      statesOf([
        '.if 0',
        'backend a',
        '.elif 1',
        'backend b',
        '.if 0',
        'x',
        '.else',
        'y',
        '.endif',
        '.else',
        'z',
        '.endif',
        'w',
      ]),
    ).toBe('aiaaaiaaaaiaa');
  });

  it('leaves unknown what depends on a fact that is not given, and settles what does not', () => {
    const lines = ['.if feature(LUA)', 'a', '.elif 1', 'b', '.else', 'c', '.endif'];

    expect(statesOf(lines)).toBe('auauaia');
    expect(statesOf(lines, { features: ['LUA'] })).toBe('aaaiaia');
    expect(statesOf(['.if 0 && feature(LUA)', 'a', '.endif'])).toBe('aia');
    expect(statesOf(['.if 1 || feature(LUA)', 'a', '.endif'])).toBe('aaa');
    expect(statesOf(['.if !feature(LUA)', '.if 0', 'a', '.endif', '.endif'])).toBe('auiua');
  });

  it('asks for each fact by its own predicate', () => {
    const facts = {
      environment: { A: '' },
      version: '3.1.2',
      features: ['LUA'],
      enabled: ['POLL'],
      opensslVersion: '1.1.1k',
      sslLibraryName: 'OpenSSL 1.1.1k',
    };
    const conditions = [
      'defined(A) && !defined(B)',
      'version_atleast(3.1) && version_before(3.1.3)',
      'feature(LUA) && !feature(QUIC)',
      'enabled(POLL) && !enabled(SPLICE)',
      'openssl_version_atleast(1.1.1c) && openssl_version_before(3.0.0)',
      'ssllib_name_startswith(OpenSSL)',
      'strstr(abc,b) && streq(a,a) && strneq(a,b)',
    ];

    for (const condition of conditions) {
      expect([condition, statesOf([`.if ${condition}`, 'x', '.endif'], facts)]).toEqual([
        condition,
        'aaa',
      ]);
    }
  });

  it('follows the variables that active lines of global set', () => {
    const text = [
      'global',
      ' setenv A "$B-${C-none}"',
      ' presetenv B other',
      'backend a',
      ' setenv A ignored',
      'global',
      ' unsetenv B',
      '.if 0',
      ' setenv A never',
      '.endif',
      ' localpeer me',
      ' log-tag "$A|$B|$HAPROXY_LOCALPEER|$.SECTION|$.LINE"',
      ' resetenv A',
      '',
    ].join('\n');

    const { document, environment } = evaluateConditions(
      parse(text, { environment: { B: 'b', X: 'x' } }),
    );

    expect(document.lines[11]?.words[1]?.value).toBe('b-none||me|global|12');
    expect(environment).toEqual({ A: 'b-none' });
  });

  it('knows the last localpeer of the file from its first line on since 3.2', () => {
    const text = 'global\n log-tag "$HAPROXY_LOCALPEER"\n localpeer a\n localpeer b\n';
    const tagOf = (version: string) =>
      evaluateConditions(parse(text), { version }).document.lines[1]?.words[1]?.value;

    expect([tagOf('3.0.11'), tagOf('3.2.26')]).toEqual(['', 'b']);
  });

  it('knows no more what a line of unknown state may have set', () => {
    const set = ['global', '.if feature(LUA)', ' setenv A 1', '.endif'];

    expect(statesOf([...set, '.if defined(A)', 'x', '.endif'])).toBe('aauaaua');
    expect(statesOf([...set, '.if streq("$A",1)', 'x', '.endif'])).toBe('aauaaua');
    expect(statesOf([...set, ' setenv A 2', '.if streq("$A",2)', 'x', '.endif'])).toBe('aauaaaaa');
    expect(statesOf([...set, '.if defined(B)', 'x', '.endif'])).toBe('aauaaia');
  });

  it('takes a section for the one of .SECTION only where its header is active', () => {
    const text = 'backend a\n.if 0\nbackend b\n.endif\n x "$.SECTION"\n';

    expect(parse(text).lines[4]?.words[1]?.value).toBe('b');
    expect(evaluateConditions(parse(text)).document.lines[4]?.words[1]?.value).toBe('a');
  });

  it('tells the line and column of what is wrong, and warns where that may not be read', () => {
    const text = '  .endif\n.if feature(X)\n .if x(\n .endif\n.else y\n.else\n';

    expect(
      evaluateConditions(parse(text)).diagnostics.map(({ line, column, severity, code }) => [
        line,
        column,
        severity,
        code,
      ]),
    ).toEqual([
      [1, 3, 'error', 'condition-without-if'],
      [2, 1, 'error', 'unclosed-condition'],
      [3, 2, 'warning', 'invalid-condition'],
      [5, 1, 'error', 'unexpected-argument'],
      [6, 1, 'error', 'branch-after-else'],
    ]);
  });
});

describe('versions', () => {
  it.each([
    ['2.6', '2.6.0', 0],
    ['2.6.12', '2.6.9', 1],
    ['2.7-dev1', '2.7', -1],
    ['2.7-dev10', '2.7-dev9', 1],
    ['2.7-rc1', '2.7-dev99', 1],
    ['2.7-pre1', '2.7-rc1', 0],
    ['2.6.12-1', '2.6.12', 1],
    ['2.6.12-1+deb12u4', '2.6.12', 0],
    ['2.4-dev18-f6818d-20', '2.4-dev18-19', 1],
    ['1.2.10.1', '1.2.10', 1],
  ])('%s and %s compare as %i', (a, b, sign) => {
    const [one, other] = [parseHaproxyVersion(a), parseHaproxyVersion(b)];
    if (one === undefined || other === undefined) throw new Error('not a version');

    expect(Math.sign(compareHaproxyVersions(one, other))).toBe(sign);
  });

  it.each(['', 'a', '1.2.3.4.5', '2.6+x', '2.6-dev1x'])('%j is none', (text) => {
    expect(parseHaproxyVersion(text)).toBeUndefined();
  });
});
