import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ancestorsOf,
  isWithin,
  MAX_ID_LENGTH,
  parentOf,
  resolveAppId,
  resolveId,
  safePathOf,
  topLevelGroupOf,
} from './path-id.js';

describe('ids', () => {
  it.each([
    ['web', '/', '/web'],
    ['/shop//web/', '/', '/shop/web'],
    ['web', '/shop', '/shop/web'],
    ['../db', '/shop/back', '/shop/db'],
    ['./db', '/shop', '/shop/db'],
    ['/a.b-c/0', '/', '/a.b-c/0'],
    ['/', '/', '/'],
    ['..', '/shop', '/'],
  ])('reads %s in %s as %s', (text, base, id) => {
    expect(resolveId(text, base)).toEqual({ ok: true, id });
  });

  it.each([
    '',
    'Web',
    'a_b',
    '-a',
    'a-',
    '.a',
    'a.',
    'a..b',
    'ä',
    'a b',
    '../..',
    'a\u0000',
    '%2e',
  ])('refuses %j', (text) => {
    expect(resolveId(text, '/shop')).toMatchObject({ ok: false });
  });

  it.each(['/', 'tasks', '/shop/versions', 'restart', '..'])('refuses %s for an app', (text) => {
    expect(resolveAppId(text, '/shop')).toMatchObject({ ok: false });
  });

  it('limits the length', () => {
    expect(resolveId('a'.repeat(MAX_ID_LENGTH - 1), '/')).toMatchObject({ ok: true });
    expect(resolveId('a'.repeat(MAX_ID_LENGTH), '/')).toMatchObject({ ok: false });
  });

  it('gives ids that resolve to themselves, whatever is put in', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom('/', '/a', '/a/b'), (text, base) => {
        const first = resolveId(text, base);
        if (first.ok) expect(resolveId(first.id, '/elsewhere')).toEqual(first);
      }),
    );
  });

  it('knows its relatives', () => {
    expect(ancestorsOf('/a/b/c')).toEqual(['/a/b', '/a', '/']);
    expect(parentOf('/a')).toBe('/');
    expect(isWithin('/ab', '/a')).toBe(false);
    expect(isWithin('/a/b', '/a')).toBe(true);
    expect(topLevelGroupOf('/a')).toBeUndefined();
    expect(topLevelGroupOf('/a/b')).toBe('a');
    expect(safePathOf('/a/b.c')).toBe('a_b.c');
  });
});
