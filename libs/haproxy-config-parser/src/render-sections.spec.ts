import { describe, expect, it } from 'vitest';
import { listDiagnostics, parse, print } from './parse.js';
import { renderSections } from './render-sections.js';
import { sections } from './sections.js';

describe('renderSections', () => {
  it('writes the canonical form', () => {
    const text = renderSections(
      [
        { kind: 'global', lines: [['maxconn', '2000'], { comment: 'generation 7' }] },
        { kind: 'defaults', name: 'web', lines: [['timeout', 'connect', '3s']] },
        {
          kind: 'backend',
          name: 'shop_web',
          from: 'web',
          comments: ['app /shop/web', ''],
          lines: [
            ['http-request', 'set-header', 'X-App', 'shop web'],
            { verbatim: '  option httpchk GET "/a b" # from a label ' },
            { words: ['server', 's1', '10.0.0.1:31000'], comment: 'agent-1' },
          ],
        },
      ],
      { banner: ['Generated. Changes are lost.'] },
    );

    expect(text).toBe(`# Generated. Changes are lost.

global
    maxconn 2000
    # generation 7

defaults web
    timeout connect 3s

# app /shop/web
#
backend shop_web from web
    http-request set-header X-App "shop web"
    option httpchk GET "/a b" # from a label
    server s1 10.0.0.1:31000 # agent-1
`);
  });

  it('writes text that parses without findings into the same sections', () => {
    const text = renderSections([
      { kind: 'frontend', name: 'in', lines: [['bind', '[::1]:80']] },
      { kind: 'backend', name: 'a', lines: [['server', "it's", 'x y']] },
    ]);

    const document = parse(text);

    expect(listDiagnostics(document)).toEqual([]);
    expect(print(document)).toBe(text);
    expect(
      sections(document).map(({ kind, name, statements }) => [kind, name, statements[0]?.words]),
    ).toEqual([
      ['frontend', 'in', ['bind', '[::1]:80']],
      ['backend', 'a', ['server', "it's", 'x y']],
    ]);
  });

  it('writes nothing for nothing', () => {
    expect(renderSections([])).toBe('');
  });

  it.each([
    [{ kind: 'backned', lines: [] }, 'invalid-section-header'],
    [{ kind: 'backend', name: 'a b', lines: [] }, 'invalid-section-header'],
    [{ kind: 'backend', name: '', lines: [] }, 'invalid-section-header'],
    [{ kind: 'backend', name: 'a', from: 'x\ny', lines: [] }, 'invalid-section-header'],
    [{ kind: 'peers', name: 'a', from: 'x', lines: [] }, 'invalid-section-header'],
    [{ kind: 'backend', name: 'a', lines: [['global']] }, 'reserved-first-word'],
    [{ kind: 'backend', name: 'a', lines: [{ verbatim: '"glo"bal' }] }, 'reserved-first-word'],
    [{ kind: 'backend', name: 'a', lines: [{ verbatim: 'a "b' }] }, 'invalid-verbatim-line'],
    [{ kind: 'backend', name: 'a', lines: [{ verbatim: 'a\nglobal' }] }, 'invalid-verbatim-line'],
    [{ kind: 'backend', name: 'a', lines: [{ verbatim: '[x]' }] }, 'invalid-verbatim-line'],
    [{ kind: 'backend', name: 'a', lines: [{ verbatim: ' ' }] }, 'invalid-verbatim-line'],
    [{ kind: 'backend', name: 'a', lines: [{ comment: 'a\nb' }] }, 'line-break-in-comment'],
    [{ kind: 'backend', name: 'a', comments: ['a\rb'], lines: [] }, 'line-break-in-comment'],
  ])('refuses %j with %s', (section, code) => {
    expect(() => renderSections([section])).toThrow(
      expect.objectContaining({ name: 'ConfigWriteError', code }),
    );
  });
});
