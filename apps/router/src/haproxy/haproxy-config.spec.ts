import { expect, it } from 'vitest';
import { toHaproxyConfig } from './haproxy-config.js';

const none = {
  haproxyBinary: 'haproxy',
  haproxyMasterSocket: '',
  haproxyAdminSocket: '',
  haproxyConfig: '',
  haproxyBase: '',
};
const sockets = { haproxyMasterSocket: '/m.sock', haproxyAdminSocket: '/a.sock' };

it('runs a HAProxy of its own when nothing is set', () => {
  expect(toHaproxyConfig(none)).toEqual({
    binary: 'haproxy',
    foreign: undefined,
    basePath: undefined,
  });
});

it('uses the HAProxy that is given by its sockets and its file', () => {
  const config = toHaproxyConfig({ ...none, ...sockets, haproxyConfig: '/h.cfg' });

  expect(config.foreign).toEqual({
    masterSocket: '/m.sock',
    adminSocket: '/a.sock',
    config: '/h.cfg',
  });
});

it.each([
  ['a half', sockets, 'PACER_HAPROXY_CONFIG: a HAProxy that runs already'],
  ['a relative path', { haproxyBase: 'base.cfg' }, 'PACER_HAPROXY_BASE: "base.cfg" is not an abs'],
  [
    'a base that would be overwritten',
    { ...sockets, haproxyConfig: '/h.cfg', haproxyBase: '/h.cfg' },
    'PACER_HAPROXY_BASE: "/h.cfg" is PACER_HAPROXY_CONFIG',
  ],
])('refuses %s', (_, settings, message) => {
  expect(() => toHaproxyConfig({ ...none, ...settings })).toThrow(message);
});
