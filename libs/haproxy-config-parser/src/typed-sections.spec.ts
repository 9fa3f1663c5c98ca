import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from './parse.js';
import { isProxyKind, SECTION_KEYWORDS } from './section-keywords.js';
import { readSections } from './typed-sections.js';

const FIXTURES = join(import.meta.dirname, '../../../test/fixtures/haproxy-config');
const read = (name: string) => readSections(parse(readFileSync(join(FIXTURES, name), 'utf8')));

it('has a view of every kind of section there is', () => {
  const kinds = [...SECTION_KEYWORDS].filter((kind) => !isProxyKind(kind));

  const found = readSections(parse(kinds.map((kind) => `${kind} n\n  x y\n`).join('')));

  expect(found.map(({ kind }) => kind)).toEqual(kinds);
  expect(found.every(({ settings }) => settings[0]?.keyword === 'x')).toBe(true);
});

it('reads users, groups, peers, mailers, name servers and error files', () => {
  const sections = read('every-section.cfg');

  expect(sections.find(({ kind }) => kind === 'userlist')).toMatchObject({
    groups: [
      { name: 'admins', users: ['ann', 'bob'] },
      { name: 'others', users: [] },
    ],
    users: [
      { name: 'ann', password: { kind: 'insecure', text: 'secret' }, groups: [] },
      { name: 'bob', password: { kind: 'insecure', text: "it's # ok" }, groups: ['others'] },
    ],
  });
  expect(sections.find(({ kind }) => kind === 'peers')).toMatchObject({
    peers: [{ name: 'a', address: '127.0.0.1:10001' }, { name: 'b' }],
  });
  expect(sections.find(({ kind }) => kind === 'mailers')).toMatchObject({
    mailers: [{ name: 'm1', address: '127.0.0.1:25', parameters: [] }],
  });
  expect(sections.find(({ kind }) => kind === 'resolvers')).toMatchObject({
    nameservers: [{ name: 'd1', address: '127.0.0.1:53' }],
  });
  expect(sections.find(({ kind }) => kind === 'http-errors')).toMatchObject({
    files: [{ status: '503', path: '/dev/null' }],
  });
  expect(sections.find(({ kind }) => kind === 'ring')?.section.servers).toHaveLength(1);
});

it('reads the sections of later versions', () => {
  const sections = read('later-versions.cfg');

  expect(sections.map(({ kind }) => kind)).toEqual([
    'crt-store',
    'traces',
    'log-profile',
    'acme',
    'healthcheck',
  ]);
  expect(sections[0]).toMatchObject({
    certificates: [
      { lineIndex: 3, parameters: { crt: 'site.pem', key: 'site.key', alias: 'site' } },
    ],
  });
});

it('keeps the modifier of a setting, hashed passwords, and the last command of a program', () => {
  const [global, users, program] = readSections(
    parse(
      'global\n no busy-polling\nuserlist u\n user a password $5$x\nprogram p\n command a\n command b c\n',
    ),
  );

  expect(global?.settings).toEqual([
    { lineIndex: 1, keyword: 'busy-polling', arguments: [], modifier: 'no' },
  ]);
  expect(users).toMatchObject({ users: [{ password: { kind: 'hashed', text: '$5$x' } }] });
  expect(program).toMatchObject({ command: ['b', 'c'] });
});
