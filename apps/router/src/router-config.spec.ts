import { afterEach, expect, it, vi } from 'vitest';
import { readRouterConfig } from './router-config.js';

afterEach(() => vi.unstubAllEnvs());

const read = (reserved: string) => {
  vi.stubEnv('PACER_DATA', '/data');
  vi.stubEnv('PACER_RESERVED_PORTS', reserved);
  return readRouterConfig();
};

it('reserves single ports, ranges, and its own', () => {
  const { reservedPorts } = read('8080, 31000-31002');

  expect(reservedPorts).toEqual([8080, 31000, 31001, 31002, 9090, 8000, 8443, 8053]);
});

it.each(['abc', '0', '32000-31000', '8080,', '70000'])('refuses the reserved ports %j', (value) => {
  expect(() => read(value)).toThrow(/PACER_RESERVED_PORTS: .* is not a list of ports/);
});
