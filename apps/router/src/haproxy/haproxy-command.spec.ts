import { expect, it } from 'vitest';
import { haproxyEnvironment, supportsEdge } from './haproxy-command.js';

it('finds HAProxy for users whose PATH has no sbin', () => {
  const environment = haproxyEnvironment({ PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/home/x' });

  expect(environment).toEqual({
    GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1',
    MALLOC_CONF: 'thp:always,metadata_thp:always',
    PATH: '/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin',
    HOME: '/home/x',
  });
});

it('asks for large pages, unless the operator has said something else', () => {
  const own = haproxyEnvironment({ GLIBC_TUNABLES: 'glibc.malloc.tcache_count=0' });

  expect(haproxyEnvironment({})['GLIBC_TUNABLES']).toBe('glibc.malloc.hugetlb=1');
  expect(own['GLIBC_TUNABLES']).toBe('glibc.malloc.tcache_count=0');
  expect(own['MALLOC_CONF']).toContain('thp:always');
});

it('keeps the order of what the PATH has', () => {
  expect(haproxyEnvironment({ PATH: '/opt/bin:/usr/sbin' })['PATH']).toBe(
    '/opt/bin:/usr/sbin:/usr/local/sbin:/sbin',
  );
});

it.each([
  ['HA-Proxy version 1.8.8-1ubuntu0.11', false],
  ['HA-Proxy version 2.2.9-2+deb11u6', false],
  ['HAProxy version 2.4.24-0ubuntu0.22.04.1', false],
  ['HAProxy version 2.6.12-1+deb12u4', true],
  ['HAProxy version 2.10.1', true],
  ['HAProxy version 3.0.5', true],
  [undefined, false],
])('says of %s whether the edge can run on it', (version, isEnough) => {
  expect(supportsEdge(version)).toBe(isEnough);
});
