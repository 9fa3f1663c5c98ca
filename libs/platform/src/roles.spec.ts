import { describe, expect, it } from 'vitest';
import type { AccessRule } from './access.js';
import { basicAuthorization, type Credential, parseCredentials } from './credentials.js';
import { metricsRegistry } from './metrics.js';
import { formatOnBehalfOf, ON_BEHALF_OF_HEADER } from './on-behalf-of.js';
import { createRequestGuard } from './request-guard.js';
import { type ClientCertificate, identify } from './tls/client-certificate.js';

const TOKEN = 'token-of-ops-0123456789';
const SHARED = 'shared-0123456789abcdef';
const file = `ops ${TOKEN} operator
olga short read
a ${SHARED} operator
b ${SHARED} operator`;

const rule: AccessRule = ({ method }) => ({
  kind: 'closed',
  to: ['operator'],
  realm: 'pacer',
  needs: method === 'GET' ? 'read' : 'full',
  showsBearer: true,
});
const exposure = { host: '127.0.0.1', allowedHosts: [], allowOpenBind: false };

function guardOf(credentials: () => readonly Credential[]) {
  const guard = createRequestGuard(
    {
      ...exposure,
      clientCertificates: 'request',
      get credentials() {
        return credentials();
      },
    },
    rule,
  );
  return (
    method: string,
    headers: Readonly<Record<string, string>> = {},
    certificate?: ClientCertificate,
  ) =>
    guard({
      ...{ method, url: '/v2/apps', route: '/v2/apps', certificate },
      headers: { host: 'localhost', ...headers },
    });
}
const known = parseCredentials(file);
const ask = guardOf(() => known);
const olga = basicAuthorization({ principal: 'olga', secret: 'short' });
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe('a principal with the role read', () => {
  it('may look, and gets 403 with its role for anything else', () => {
    expect(ask('GET', olga)).toMatchObject({ principal: 'olga', role: 'read' });
    expect(() => ask('PUT', olga)).toThrow(
      expect.objectContaining({
        status: 403,
        extra: { role: 'read', needs: 'full' },
        message: expect.stringContaining('has the role read'),
      }),
    );
  });

  it('may do nothing where a rule says nothing of roles', () => {
    const guard = createRequestGuard({ ...exposure, credentials: known }, () => ({
      ...{ kind: 'closed', to: ['operator'], realm: 'pacer' },
    }));

    expect(() =>
      guard({ method: 'GET', url: '/', route: '/', headers: { host: 'localhost', ...olga } }),
    ).toThrow(/needs the role full/);
  });
});

describe('bearer tokens', () => {
  it('are secrets of 16 characters or more that are one principal’s only', () => {
    expect(ask('PUT', bearer(TOKEN))?.principal).toBe('ops');
    for (const token of ['short', SHARED, `${TOKEN}x`, '']) {
      expect(() => ask('GET', bearer(token))).toThrow(expect.objectContaining({ status: 401 }));
    }
  });

  it('are named beside passwords with a 401', () => {
    expect(() => ask('GET')).toThrow(
      expect.objectContaining({
        status: 401,
        headers: { 'www-authenticate': 'Basic realm="pacer", Bearer realm="pacer"' },
      }),
    );
  });
});

it('takes who is let in from the list of the moment', () => {
  let now = parseCredentials('ops old-secret');
  const asked = guardOf(() => now);
  const old = basicAuthorization({ principal: 'ops', secret: 'old-secret' });
  asked('PUT', old);

  now = parseCredentials('ops new-secret');

  expect(() => asked('PUT', old)).toThrow(expect.objectContaining({ status: 401 }));
});

it('counts wrong logins by scheme, and no request that shows nothing', async () => {
  const count = async (scheme: string): Promise<number> => {
    const text = await metricsRegistry.metrics();
    const [, value = '0'] =
      new RegExp(`^pacer_failed_logins_total\\{scheme="${scheme}"\\} (\\d+)$`, 'm').exec(text) ??
      [];
    return Number(value);
  };
  const before = [await count('basic'), await count('bearer'), await count('certificate')];

  for (const headers of [
    basicAuthorization({ principal: 'ops', secret: 'guess' }),
    bearer('guess'),
    {},
  ]) {
    expect(() => ask('GET', headers)).toThrow();
  }
  expect(() => ask('GET', {}, { kind: 'refused', reason: 'expired' })).toThrow();

  const after = [await count('basic'), await count('bearer'), await count('certificate')];
  expect(after.map((value, index) => value - (before[index] ?? 0))).toEqual([1, 1, 1]);
});

describe('a request that is passed on', () => {
  const standby = identify({ CN: 'standby', OU: ['operator', 'controller'] });
  const operator = identify({ CN: 'ivan', OU: 'operator' });
  const reader = identify({ CN: 'eve', OU: ['operator', 'read'] });
  const onBehalf = (principal: string, role: 'read' | 'full') => ({
    [ON_BEHALF_OF_HEADER]: formatOnBehalfOf({ principal, role }),
  });

  it('is by whom a controller’s certificate says', () => {
    expect(ask('PUT', onBehalf('jörg', 'full'), standby)).toMatchObject({ principal: 'jörg' });
    expect(() => ask('PUT', onBehalf('eve', 'read'), standby)).toThrow(/"eve" has the role read/);
  });

  it('is by nobody else because a client says so', () => {
    expect(ask('PUT', onBehalf('boss', 'full'), operator)?.principal).toBe('ivan');
    expect(ask('PUT', { ...onBehalf('boss', 'full'), ...bearer(TOKEN) })?.principal).toBe('ops');
    expect(() => ask('PUT', onBehalf('boss', 'full'), reader)).toThrow(/"eve" has the role read/);
    expect(() => ask('PUT', { ...onBehalf('boss', 'full'), ...olga })).toThrow(/role read/);
    expect(() => ask('PUT', onBehalf('boss', 'full'))).toThrow(
      expect.objectContaining({ status: 401 }),
    );
  });

  it('is by whose password came along, not by who passes it on', () => {
    expect(() => ask('PUT', olga, standby)).toThrow(/"olga" has the role read/);
    expect(ask('GET', olga, standby)?.principal).toBe('olga');
  });
});
