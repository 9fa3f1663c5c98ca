import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  authorizationHeader,
  basicAuthorization,
  createAuthenticator,
  findOwnCredential,
  parseCredentials,
  readAcceptedCredentials,
  readClusterCredentials,
} from './credentials.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pacer-credentials-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function write(text: string, mode = 0o600): string {
  const path = join(folder, `${Math.abs(mode)}-${text.length}-${text.slice(0, 8).trim()}`);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}
const shown = (text: string) =>
  parseCredentials(text).map(({ principal, secret, kinds }) => [principal, secret, [...kinds]]);

describe('parseCredentials', () => {
  it('reads lines, with comments, blanks and kinds', () => {
    expect(shown('# ours\n\nops s3cret\r\n fw\tpw framework,agent \n')).toEqual([
      ['ops', 's3cret', ['framework', 'agent', 'operator']],
      ['fw', 'pw', ['framework', 'agent']],
    ]);
  });

  it('reads the JSON of Mesos, with kinds', () => {
    const text = JSON.stringify({
      credentials: [
        { principal: 'ops', secret: 'a b' },
        { principal: 'fw', secret: 'pw', kinds: ['framework'] },
      ],
    });

    expect(shown(text)).toEqual([
      ['ops', 'a b', ['framework', 'agent', 'operator']],
      ['fw', 'pw', ['framework']],
    ]);
  });

  it('reads roles, in lines also where the kinds would be', () => {
    const roles = (text: string) =>
      parseCredentials(text).map(({ principal, kinds, role }) => [principal, [...kinds], role]);
    const json = { principal: 'olga', secret: 'pw', kinds: ['operator'], role: 'read' };

    expect(roles('olga pw operator read\nivan pw read\nops pw operator full\nall pw full')).toEqual(
      [
        ['olga', ['operator'], 'read'],
        ['ivan', ['operator'], 'read'],
        ['ops', ['operator'], undefined],
        ['all', ['framework', 'agent', 'operator'], undefined],
      ],
    );
    expect(roles(JSON.stringify({ credentials: [json] }))).toEqual([
      ['olga', ['operator'], 'read'],
    ]);
  });

  it.each([
    ['', /no credentials/],
    ['ops', /line 1: the secret of "ops" is empty/],
    ['a b\nops s3cret admin', /line 2: principal "ops" may be "admin", which is none of framework/],
    ['ops s3cret operator extra', /more than/],
    ['ops s3cret operator reader', /more than/],
    ['ops s3cret framework read', /role read may be an operator only/],
    ['{"credentials": [{"principal": "a", "secret": "s3cret", "role": "s"}]}', /one of read, full/],
    ['o:ps s3cret', /colon/],
    [`${'x'.repeat(256)} s3cret`, /longer than 255/],
    ['{"credentials": [', /is no JSON/],
    ['{"credentials": {}}', /no list/],
    ['{"credentials": [{"principal": "a", "secret": "s3cret", "kind": ["agent"]}]}', /"kind"/],
    ['{"credentials": [{"principal": "a", "secret": 7}]}', /must be texts/],
    ['{"credentials": [{"principal": "a", "secret": "s3cret", "kinds": []}]}', /none of/],
    [Array.from({ length: 1_001 }, (_, index) => `p${index} s3cret`).join('\n'), /limit is 1000/],
  ])('refuses %j without saying a secret', (text, reason) => {
    expect(() => parseCredentials(text)).toThrow(reason);
    expect(() => parseCredentials(text)).not.toThrow(/s3cret/);
  });
});

describe('readAcceptedCredentials', () => {
  it('takes the file and the single one together', () => {
    const all = readAcceptedCredentials({
      PACER_CREDENTIALS_FILE: write('fw pw framework'),
      PACER_CREDENTIALS: 'pacer:with:colons',
    });

    expect(all.map(({ principal, secret }) => [principal, secret])).toEqual([
      ['pacer', 'with:colons'],
      ['fw', 'pw'],
    ]);
    expect(readAcceptedCredentials({ PACER_CREDENTIALS: '' })).toEqual([]);
  });

  it('refuses a principal that is there twice', () => {
    const PACER_CREDENTIALS_FILE = write('a b\na c');

    expect(() => readAcceptedCredentials({ PACER_CREDENTIALS_FILE })).toThrow(/"a" is there twice/);
  });

  it.each([0o644, 0o604, 0o620, 0o602])('refuses a file of mode %o', (mode) => {
    const PACER_CREDENTIALS_FILE = write('a b', mode);

    expect(() => readAcceptedCredentials({ PACER_CREDENTIALS_FILE })).toThrow(
      /PACER_CREDENTIALS_FILE: .* has mode 0\d{3}: take it from others with chmod 600/,
    );
  });

  it.each([0o600, 0o400, 0o640, 0o440])('takes a file of mode %o', (mode) => {
    const PACER_CREDENTIALS_FILE = write('a b', mode);

    expect(readAcceptedCredentials({ PACER_CREDENTIALS_FILE })).toHaveLength(1);
  });

  it('says which file is missing', () => {
    const PACER_CREDENTIALS_FILE = join(folder, 'none');

    expect(() => readAcceptedCredentials({ PACER_CREDENTIALS_FILE })).toThrow(/ENOENT/);
  });
});

describe('findOwnCredential', () => {
  it('is the first that may act so, of the own file before that of others', () => {
    const own = write('me s1 operator\nme-too s2');
    const accepted = write('fw s3 framework');
    const both = { PACER_CREDENTIAL_FILE: own, PACER_CREDENTIALS_FILE: accepted };

    expect(findOwnCredential('operator', both)?.principal).toBe('me');
    expect(findOwnCredential('agent', both)?.principal).toBe('me-too');
    expect(findOwnCredential('framework', { PACER_CREDENTIALS_FILE: accepted })?.principal).toBe(
      'fw',
    );
    expect(
      findOwnCredential('operator', {
        PACER_CREDENTIALS_FILE: accepted,
        PACER_CREDENTIALS: 'single:s',
      })?.principal,
    ).toBe('single');
    expect(findOwnCredential('operator', {})).toBeUndefined();
  });

  it('is nobody who may only look', () => {
    const PACER_CREDENTIALS_FILE = write('olga s1 read\nops s2 operator');

    expect(findOwnCredential('operator', { PACER_CREDENTIALS_FILE })?.principal).toBe('ops');
  });

  it('says that none may act so, as every request would be refused', () => {
    const PACER_CREDENTIAL_FILE = write('me s1 operator');

    expect(() => findOwnCredential('agent', { PACER_CREDENTIAL_FILE })).toThrow(
      /PACER_CREDENTIAL_FILE: no principal in .* may act as agent/,
    );
  });
});

describe('readClusterCredentials', () => {
  it('wants daemons to know each other', () => {
    const PACER_CREDENTIALS_FILE = write('ops s1 operator\nfw s2 framework\nag s3 agent');

    expect(readClusterCredentials({ PACER_CREDENTIALS_FILE })).toHaveLength(3);
    expect(readClusterCredentials({})).toEqual([]);
    expect(() =>
      readClusterCredentials({
        PACER_CREDENTIALS_FILE,
        PACER_CREDENTIAL_FILE: write('ops s1 operator\nfw wrong framework\nag s3 agent'),
      }),
    ).toThrow(/"fw" is to act as framework/);
  });
});

describe('createAuthenticator', () => {
  const authenticate = createAuthenticator(parseCredentials('ops s3:cret operator\nüser pässword'));
  const header = (principal: string, secret: string) =>
    basicAuthorization({ principal, secret })['authorization'];

  it('knows who has the right secret, and nobody else', () => {
    expect(authenticate(header('ops', 's3:cret'))?.principal).toBe('ops');
    expect(authenticate(header('üser', 'pässword'))?.principal).toBe('üser');
    expect(authenticate(header('ops', 'pässword'))).toBeUndefined();
    expect(authenticate(header('ops', 's3:cret '))).toBeUndefined();
    expect(authenticate('Bearer x')).toBeUndefined();
    expect(authenticate(undefined)).toBeUndefined();
    expect(createAuthenticator([])(header('', ''))).toBeUndefined();
  });

  it('lets nobody in by chance', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(authenticate(text)).toBeUndefined();
        expect(authenticate(`Basic ${text}`)).toBeUndefined();
      }),
    );
  });

  it('takes what our own clients send', () => {
    const { authorization } = authorizationHeader('operator', { PACER_CREDENTIALS: 'ops:s3:cret' });

    expect(authenticate(authorization)?.principal).toBe('ops');
  });
});
