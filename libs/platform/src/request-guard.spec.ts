import { describe, expect, it } from 'vitest';
import { ConfigError } from './read-config.js';
import {
  authorizationHeader,
  checkExposure,
  createRequestGuard,
  isLoopback,
} from './request-guard.js';

const local = { host: '127.0.0.1', allowedHosts: [], credentials: undefined, allowOpenBind: false };

describe('checkExposure', () => {
  it('refuses to be reachable by others without credentials and names the way out', () => {
    const open = { ...local, host: '0.0.0.0' };

    expect(() => checkExposure(open)).toThrow(ConfigError);
    expect(() => checkExposure(open)).toThrow(/PACER_CREDENTIALS.*PACER_ALLOW_OPEN_BIND=true/);
    expect(() => checkExposure({ ...open, credentials: 'a:b' })).not.toThrow();
    expect(() => checkExposure({ ...open, allowOpenBind: true })).not.toThrow();
  });

  it.each(['127.0.0.1', '127.8.8.8', '::1', 'localhost'])('takes %s as loopback', (host) => {
    expect(() => checkExposure({ ...local, host })).not.toThrow();
  });
});

describe('the request guard', () => {
  const guard = createRequestGuard(local);
  const check = (headers: Record<string, string>) => () => guard({ url: '/v2/apps', headers });

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
      expect(() => guard({ url, headers: { host: 'localhost' } })).toThrow(/NUL character/);
    },
  );

  it('serves its own origin and listed hosts', () => {
    const listed = createRequestGuard({
      ...local,
      allowedHosts: ['pacer.example', 'ui.example:81'],
    });

    expect(check({ host: 'localhost:8080', origin: 'http://localhost:8080' })).not.toThrow();
    expect(() => listed({ url: '/', headers: { host: 'pacer.example:80' } })).not.toThrow();
    expect(() =>
      listed({ url: '/', headers: { host: 'pacer.example', origin: 'https://ui.example:81' } }),
    ).not.toThrow();
    expect(() => listed({ url: '/', headers: { host: 'ui.example:82' } })).toThrow();
  });

  it('serves any address when it listens on all of them', () => {
    const open = createRequestGuard({ ...local, host: '0.0.0.0', allowOpenBind: true });

    expect(() => open({ url: '/', headers: { host: '192.168.0.7:8080' } })).not.toThrow();
    expect(() => open({ url: '/', headers: { host: 'evil.example' } })).toThrow();
  });

  it('wants credentials for everything but /ping', () => {
    const secret = createRequestGuard({ ...local, credentials: 'pacer:secret' });
    const headers = { host: 'localhost' };

    expect(() => secret({ url: '/v2/apps', headers })).toThrow(/Credentials/);
    expect(() => secret({ url: '/ping?x', headers })).not.toThrow();
    expect(() =>
      secret({ url: '/', headers: { ...headers, ...authorizationHeader('pacer:secret') } }),
    ).not.toThrow();
    expect(() =>
      secret({ url: '/', headers: { ...headers, ...authorizationHeader('pacer:wrong') } }),
    ).toThrow();
  });
});

describe('isLoopback', () => {
  it('is not fooled by names that begin like an address', () => {
    expect(isLoopback('127.0.0.1.example')).toBe(false);
  });
});
