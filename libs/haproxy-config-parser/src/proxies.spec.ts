import { describe, expect, it } from 'vitest';
import { editLines } from './edit-lines.js';
import { evaluateConditions } from './evaluate-conditions.js';
import { parse, print } from './parse.js';
import {
  effectiveMode,
  effectiveOptions,
  effectiveTimeouts,
  findProxy,
  parseDurationMs,
  readProxies,
} from './proxies.js';

const EDGE = `defaults base
  mode http
  timeout connect 3s   # soon
  option httplog
  option redispatch
defaults tuned from base
  timeout connect "4s"
  timeout queue soon
  no option httplog
  default option redispatch
defaults
  mode tcp
frontend web from tuned
  bind :80
  acl api path_beg -i /api "/a b"
  acl api hdr(host),lower -m str -- -x
  acl bad src -f /etc/bad
  http-request deny deny_status 429 if bad !api or { src 10.0.0.1 } || ! { path -m beg / }
  http-request set-header if unless if api
  http-request set-var(txn.a,ifset) str('if') unless api
  http-request return string if if { path /x }
  http-request set-var-fmt(txn.b) "%[src] if"
  tcp-request content reject if { req.len gt 5 }
  tcp-request inspect-delay 5s
  redirect scheme https code 301 if !{ ssl_fc }
  use_backend if if api
  use_backend %[hdr(host)]
  default_backend app
backend app
  balance first
  default-server inter 3s check
  server-template w 1-3 app.local:80 check
  server s1 10.0.0.1:80 weight 1
  use-server s1 if { src 10.0.0.2
  stick on src
listen own from base
`;

describe('readProxies', () => {
  const proxies = readProxies(parse(EDGE));
  const web = findProxy(proxies, 'frontend', 'web');
  const app = findProxy(proxies, 'backend', 'app');

  it('tells which defaults apply: those of from, or the latest before', () => {
    expect(
      proxies.map(({ kind, name, defaults }) => [kind, name, defaults?.section.headerIndex]),
    ).toEqual([
      ['defaults', 'base', undefined],
      ['defaults', 'tuned', 0],
      ['defaults', undefined, undefined],
      ['frontend', 'web', 5],
      ['backend', 'app', 10],
      ['listen', 'own', 0],
    ]);
  });

  it('resolves settings through the chain of defaults', () => {
    if (web === undefined || app === undefined) throw new Error('proxies not found');

    expect(effectiveMode(web)).toBe('http');
    expect(effectiveMode(app)).toBe('tcp');
    expect(
      [...effectiveTimeouts(web).values()].map(({ name, value, valueMs }) => [
        name,
        value,
        valueMs,
      ]),
    ).toEqual([
      ['connect', '4s', 4000],
      ['queue', 'soon', undefined],
    ]);
    expect(
      [...effectiveOptions(web).values()].map(({ name, modifier }) => [name, modifier]),
    ).toEqual([['httplog', 'no']]);
    expect(effectiveTimeouts(app).size).toBe(0);
  });

  it('leaves defaults out that cannot be told apart', () => {
    const [, , own] = readProxies(parse('defaults a\ndefaults a\nlisten own from a\n'));

    expect(own?.from).toBe('a');
    expect(own?.defaults).toBeUndefined();
  });

  it('reads ACLs with flags and patterns', () => {
    expect(web?.acls).toEqual([
      {
        lineIndex: 14,
        name: 'api',
        criterion: 'path_beg',
        flags: [{ name: '-i' }],
        values: ['/api', '/a b'],
      },
      {
        lineIndex: 15,
        name: 'api',
        criterion: 'hdr(host),lower',
        flags: [{ name: '-m', value: 'str' }],
        values: ['-x'],
      },
      {
        lineIndex: 16,
        name: 'bad',
        criterion: 'src',
        flags: [{ name: '-f', value: '/etc/bad' }],
        values: [],
      },
    ]);
  });

  it('reads rules with action, target, arguments and condition words', () => {
    expect(
      web?.rules.map(({ ruleset, action, target, arguments: words, condition }) => [
        ruleset,
        action,
        target,
        words,
        condition?.keyword,
        condition?.words.join(' '),
      ]),
    ).toEqual([
      [
        'http-request',
        'deny',
        undefined,
        ['deny_status', '429'],
        'if',
        'bad !api or { src 10.0.0.1 } || ! { path -m beg / }',
      ],
      ['http-request', 'set-header', undefined, ['if', 'unless'], 'if', 'api'],
      ['http-request', 'set-var', ['txn.a', 'ifset'], ['str(if)'], 'unless', 'api'],
      ['http-request', 'return', undefined, ['string', 'if'], 'if', '{ path /x }'],
      ['http-request', 'set-var-fmt', ['txn.b'], ['%[src] if'], undefined, undefined],
      ['tcp-request content', 'reject', undefined, [], 'if', '{ req.len gt 5 }'],
      ['redirect', 'redirect', undefined, ['scheme', 'https', 'code', '301'], 'if', '!{ ssl_fc }'],
      ['use_backend', 'use_backend', undefined, ['if'], 'if', 'api'],
      ['use_backend', 'use_backend', undefined, ['%[hdr(host)]'], undefined, undefined],
    ]);
  });

  it('reads conditions as alternatives of terms, anonymous ACLs among them', () => {
    expect(web?.rules[0]?.condition?.alternatives).toEqual([
      [
        { isNegated: false, acl: 'bad' },
        { isNegated: true, acl: 'api' },
      ],
      [{ isNegated: false, test: { criterion: 'src', flags: [], values: ['10.0.0.1'] } }],
      [
        {
          isNegated: true,
          test: { criterion: 'path', flags: [{ name: '-m', value: 'beg' }], values: ['/'] },
        },
      ],
    ]);
    expect(app?.rules[0]?.condition?.isOpen).toBe(true);
  });

  it('reads servers, templates and their defaults', () => {
    expect(app).toMatchObject({
      servers: [{ name: 's1', address: '10.0.0.1:80', parameters: ['weight', '1'] }],
      serverTemplates: [
        { prefix: 'w', countOrRange: '1-3', address: 'app.local:80', parameters: ['check'] },
      ],
      defaultServers: [{ parameters: ['inter', '3s', 'check'] }],
    });
    expect(web).toMatchObject({
      defaultBackend: 'app',
      binds: [{ address: ':80' }],
    });
  });

  it('leaves out what is not active when it is given the states', () => {
    const document = parse(
      '.if 0\nbackend a\n server x :1\n.else\nbackend b\n server y :2\n.endif\n',
    );
    const { states } = evaluateConditions(document);

    const names = (list: ReturnType<typeof readProxies>) => list.map(({ name }) => name);

    expect(names(readProxies(document))).toEqual(['a', 'b']);
    expect(names(readProxies(document, { states }))).toEqual(['b']);
  });

  it('gives line indices by which an edit touches only its own line', () => {
    const document = parse(EDGE);
    const timeout = readProxies(document)[0]?.timeouts[0];

    const edited = editLines(document, [
      { kind: 'replace', lineIndex: timeout?.lineIndex ?? -1, words: ['timeout', 'connect', '5s'] },
    ]);

    expect(print(edited)).toBe(EDGE.replace('connect 3s   # soon', 'connect 5s   # soon'));
  });
});

describe('parseDurationMs', () => {
  it.each([
    ['30s', 30_000],
    ['5000', 5000],
    ['1m', 60_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
    ['500us', 0.5],
    ['x', undefined],
    ['1w', undefined],
    ['', undefined],
  ])('reads %j as %s', (text, valueMs) => {
    expect(parseDurationMs(text)).toBe(valueMs);
  });
});
