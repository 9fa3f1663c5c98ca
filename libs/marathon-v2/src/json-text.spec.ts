import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { MAX_JSON_DEPTH, parseJsonText } from './json-text.js';
import { refusalOf, unwrap } from './marathon-v2.test-support.js';

/** A busy machine may need longer than the usual limit. */
vi.setConfig({ testTimeout: 120_000 });

describe('parseJsonText', () => {
  it('reads whatever JSON.stringify writes of plain values', () => {
    const plain = fc.jsonValue({ maxDepth: 4, noUnicodeString: false }).filter((value) => {
      const text = JSON.stringify(value);
      return !/"__proto__"|\\u0000|\\u[dD][89a-fA-F]/.test(text);
    });
    fc.assert(
      fc.property(plain, fc.integer({ min: 0, max: 3 }), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent);
        expect(JSON.stringify(unwrap(parseJsonText(text)))).toBe(JSON.stringify(value));
      }),
    );
  });

  it.each([
    ['text that is not JSON', '{"id": }'],
    ['nothing', ''],
    ['NaN', '{"cpus": NaN}'],
    ['a key given twice', '{"a": 1, "b": {"a": 1}, "a": 2}'],
    ['a key given twice in another spelling', '{"a": 1, "\\u0061": 2}'],
    ['__proto__', '{"__proto__": {"isAdmin": true}}'],
    ['__proto__ spelled with escapes', '{"\\u005f_proto__": 1}'],
    ['NUL in a text', '{"id": "a\\u0000b"}'],
    ['NUL in a key', '{"a\\u0000": 1}'],
    ['half a surrogate pair', '{"id": "\\ud800"}'],
    ['a number beyond a double', '{"cpus": 1e999}'],
    ['nesting without end', `${'['.repeat(MAX_JSON_DEPTH + 1)}${']'.repeat(MAX_JSON_DEPTH + 1)}`],
    ['very deep nesting', '['.repeat(100_000) + ']'.repeat(100_000)],
  ])('refuses %s', (_what, text) => {
    expect(refusalOf(parseJsonText(text)).kind).toBe('malformed-json');
  });

  it('takes the same key in different objects, and texts that look like keys', () => {
    const text = '[{"a": "b: c"}, {"a": "\\"a\\":"}, {"a": ["a", "a"]}]';

    expect(unwrap(parseJsonText(text))).toEqual(JSON.parse(text));
  });
});
