import { describe, expect, it } from 'vitest';
import { basicAuthorization, type Credential, type PrincipalKind } from './credentials.js';
import { ConfigError } from './read-config.js';
import { checkExposure, createRequestGuard, isLoopback } from './request-guard.js';

const local = { host: '127.0.0.1', allowedHosts: [], credentials: [], allowOpenBind: false };
const credential = (principal: string, ...kinds: readonly PrincipalKind[]): Credential => ({
  principal,
  secret: `secret of ${principal}`,
  kinds: new Set(kinds),
});

describe('checkExposure', () => {
  it('refuses to be reachable by others without credentials and names the way out', () => {
    const open = { ...local, host: '0.0.0.0' };

    expect(() => checkExposure(open)).toThrow(ConfigError);
    expect(() => checkExposure(open)).toThrow(/PACER_CREDENTIALS.*PACER_ALLOW_OPEN_BIND=true/);
    expect(() => checkExposure({ ...open, isSecure: true })).toThrow(/PACER_CREDENTIALS/);
    expect(() => checkExposure({ ...open, allowOpenBind: true })).not.toThrow();
  });

  it('refuses to be asked for secrets in clear text and names the way out', () => {
    const plain = { ...local, host: '0.0.0.0', credentials: [credential('a')] };
    const secure = { ...local, host: '0.0.0.0', isSecure: true };

    expect(() => checkExposure(plain)).toThrow(/PACER_TLS_CERT_FILE.*PACER_ALLOW_PLAIN_BIND=true/);
    expect(() => checkExposure({ ...plain, allowPlainBind: true })).not.toThrow();
    expect(() => checkExposure({ ...plain, isSecure: true })).not.toThrow();
    expect(() => checkExposure({ ...secure, clientCertificates: 'require' })).not.toThrow();
  });

  it.each(['127.0.0.1', '127.8.8.8', '::1', 'localhost'])('takes %s as loopback', (host) => {
    expect(() => checkExposure({ ...local, host })).not.toThrow();
  });
});

describe('the request guard', () => {
  const guard = createRequestGuard(local);
  const check = (headers: Record<string, string>) => () =>
    guard({ method: 'GET', url: '/v2/apps', headers });

  it.each(['localhost', 'localhost:8080', '127.0.0.1:1', '[::1]:80', 'a.localhost:9'])(
    'serves the host %s',
    (host) => {
      expect(check({ host })).not.toThrow();
    },
  );

  it.each(['evil.example', 'localhost.evil.example', '10.0.0.1', '127.0.0.1.evil.example:80'])(
    'refuses the host %s, as a name may be bound to our address',
    (host) => {
      expect(check({ host })).toThrow(/is not served here/);
    },
  );

  it.each(['http://evil.example', 'null', 'http://localhost:3000', 'file://'])(
    'refuses the origin %s',
    (origin) => {
      expect(check({ host: 'localhost:8080', origin })).toThrow(/may not use this API/);
    },
  );

  it.each(['/v2/deployments/%00', '/v2/apps/a%00b', '/files/read?path=%00'])(
    'refuses the NUL character in %s',
    (url) => {
      expect(() => guard({ method: 'GET', url, headers: { host: 'localhost' } })).toThrow(
        /NUL character/,
      );
    },
  );

  it('serves its own origin and listed hosts', () => {
    const listed = createRequestGuard({
      ...local,
      allowedHosts: ['pacer.example', 'ui.example:81'],
    });

    expect(check({ host: 'localhost:8080', origin: 'http://localhost:8080' })).not.toThrow();
    expect(() =>
      listed({ method: 'GET', url: '/', headers: { host: 'pacer.example:80' } }),
    ).not.toThrow();
    expect(() =>
      listed({
        method: 'GET',
        url: '/',
        headers: { host: 'pacer.example', origin: 'https://ui.example:81' },
      }),
    ).not.toThrow();
    expect(() => listed({ method: 'GET', url: '/', headers: { host: 'ui.example:82' } })).toThrow();
  });

  it('serves any address when it listens on all of them', () => {
    const open = createRequestGuard({ ...local, host: '0.0.0.0', allowOpenBind: true });

    expect(() =>
      open({ method: 'GET', url: '/', headers: { host: '192.168.0.7:8080' } }),
    ).not.toThrow();
    expect(() => open({ method: 'GET', url: '/', headers: { host: 'evil.example' } })).toThrow();
  });

  describe('where credentials are set', () => {
    const { secret: _, ...wrong } = credential('ops');
    const guarded = createRequestGuard(
      {
        ...local,
        credentials: [credential('ops', 'operator'), credential('fw', 'framework', 'agent')],
      },
      ({ method, route }) => {
        if (route === '/version') return { kind: 'open' };
        const to: readonly PrincipalKind[] = route === '/call' ? ['framework'] : ['operator'];
        return { kind: 'closed', to, realm: method === 'GET' ? 'readonly' : 'readwrite' };
      },
    );
    const ask = (route: string, who?: { readonly principal: string; readonly secret: string }) =>
      guarded({
        method: 'POST',
        url: `${route}?x`,
        route,
        headers: { host: 'localhost', ...(who === undefined ? {} : basicAuthorization(who)) },
      });

    it('answers 401 with the realm to missing and wrong ones', () => {
      for (const who of [
        undefined,
        { ...wrong, secret: 'secret of fw' },
        credential('nobody', 'operator'),
      ]) {
        expect(() => ask('/v2/apps', who)).toThrow(
          expect.objectContaining({
            status: 401,
            headers: { 'www-authenticate': 'Basic realm="readwrite"' },
          }),
        );
      }
    });

    it('says who it is, and answers 403 to whom the rule does not name', () => {
      expect(ask('/v2/apps', credential('ops'))?.principal).toBe('ops');
      expect(ask('/call', credential('fw'))?.principal).toBe('fw');
      expect(() => ask('/call', credential('ops'))).toThrow(
        expect.objectContaining({ status: 403, message: expect.stringContaining('framework') }),
      );
      expect(() => ask('/v2/apps', credential('fw'))).toThrow(/may act as framework, agent/);
    });

    it('lets everybody at /ping, and at what the rule opens', () => {
      expect(ask('/ping')).toBeUndefined();
      expect(ask('/version')).toBeUndefined();
    });

    it('never says a secret', () => {
      for (const who of [credential('fw'), { ...wrong, secret: 'guessed' }]) {
        expect(() => ask('/v2/apps', who)).not.toThrow(/secret of|guessed/);
      }
    });
  });
});

describe('isLoopback', () => {
  it('is not fooled by names that begin like an address', () => {
    expect(isLoopback('127.0.0.1.example')).toBe(false);
  });
});
