import { expect, it } from 'vitest';
import { haproxyEnvironment } from './haproxy-command.js';

it('finds HAProxy for users whose PATH has no sbin', () => {
  const environment = haproxyEnvironment({ PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/home/x' });

  expect(environment).toEqual({
    PATH: '/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin',
    HOME: '/home/x',
  });
});

it('keeps the order of what the PATH has', () => {
  expect(haproxyEnvironment({ PATH: '/opt/bin:/usr/sbin' })['PATH']).toBe(
    '/opt/bin:/usr/sbin:/usr/local/sbin:/sbin',
  );
});
