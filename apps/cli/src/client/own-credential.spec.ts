import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { authorizationHeader } from './own-credential.js';

const folder = mkdtempSync(join(tmpdir(), 'pacer-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));

const decoded = (environment: Readonly<Record<string, string>>): string | undefined => {
  const { authorization } = authorizationHeader(environment);
  return authorization === undefined
    ? undefined
    : Buffer.from(authorization.slice('Basic '.length), 'base64').toString();
};
const write = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

it('is the first operator of the file, in lines or JSON, before the one in the environment', () => {
  const lines = write('lines', '# ours\nfw pw framework\nops s3:cret operator,agent\n');
  const json = write('json', '{"credentials":[{"principal":"all","secret":"s"}]}');

  expect(decoded({ PACER_CREDENTIAL_FILE: lines, PACER_CREDENTIALS: 'a:b' })).toBe('ops:s3:cret');
  expect(decoded({ PACER_CREDENTIALS_FILE: json })).toBe('all:s');
  expect(decoded({ PACER_CREDENTIALS: 'a:b' })).toBe('a:b');
  expect(decoded({})).toBeUndefined();
});

it('is one who may change things before one who may only look, and a token before all', () => {
  const both = write('both', 'olga pw read\nops s3 operator full\n');
  const reader = write(
    'reader',
    '{"credentials":[{"principal":"eve","secret":"s","role":"read"}]}',
  );

  expect(decoded({ PACER_CREDENTIAL_FILE: both })).toBe('ops:s3');
  expect(decoded({ PACER_CREDENTIAL_FILE: reader })).toBe('eve:s');
  expect(authorizationHeader({ PACER_TOKEN: 'abc', PACER_CREDENTIALS: 'a:b' })).toEqual({
    authorization: 'Bearer abc',
  });
  expect(() => authorizationHeader({ PACER_TOKEN: 'a\nb' })).toThrow(/PACER_TOKEN holds blanks/);
});

it('says what is wrong with the file, and nothing that is in it', () => {
  const agents = write('agents', 'ag s3cret agent');
  const broken = write('broken', '{"credentials": "s3cret');

  expect(() => decoded({ PACER_CREDENTIAL_FILE: agents })).toThrow(/may act as operator/);
  expect(() => decoded({ PACER_CREDENTIAL_FILE: broken })).toThrow(/no JSON/);
  expect(() => decoded({ PACER_CREDENTIAL_FILE: broken })).not.toThrow(/s3cret/);
  expect(() => decoded({ PACER_CREDENTIAL_FILE: join(folder, 'none') })).toThrow(/ENOENT/);
});
