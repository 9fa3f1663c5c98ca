import { describe, expect, it } from 'vitest';
import {
  list,
  numeric,
  parsed,
  portNumber,
  readConfig,
  text,
  toggle,
  urls,
} from './read-config.js';

const read = <Value>(setting: Parameters<typeof readConfig>[0][string], value?: string) =>
  readConfig({ it: setting }, { environment: { [setting.variable]: value }, argv: [] })[
    'it'
  ] as Value;

describe('readConfig', () => {
  it('prefers flags to the environment to defaults', () => {
    const settings = { port: portNumber('PACER_EDGE_HTTP_PORT', 1) };
    const environment = { PACER_EDGE_HTTP_PORT: '2' };

    expect(readConfig(settings, { environment: {}, argv: [] }).port).toBe(1);
    expect(readConfig(settings, { environment, argv: [] }).port).toBe(2);
    expect(readConfig(settings, { environment, argv: ['--edge-http-port', '3'] }).port).toBe(3);
    expect(readConfig(settings, { environment, argv: ['--edge-http-port=4'] }).port).toBe(4);
  });

  it('reports all mistakes at once, with variable, value and limit', () => {
    const settings = {
      port: portNumber('PACER_PORT'),
      data: text('PACER_DATA'),
      open: toggle('PACER_OPEN', false),
    };
    const environment = { PACER_PORT: '70000', PACER_OPEN: 'maybe' };

    expect(() => readConfig(settings, { environment, argv: [] })).toThrow(
      'PACER_PORT: "70000" is not a whole number from 0 to 65535; PACER_DATA is required; PACER_OPEN: "maybe" is neither true nor false',
    );
  });

  it('takes an empty variable as absent', () => {
    expect(read(text('A', 'b'), '')).toBe('b');
  });

  it('reads lists, URLs, fractions and types of its own', () => {
    expect(read(list('A'), ' a, ,b ')).toEqual(['a', 'b']);
    expect(read(urls('A'), 'http://a:1/,https://b')).toEqual(['http://a:1', 'https://b']);
    expect(() => read(urls('A'), 'a:1')).toThrow(/http URLs/);
    expect(read(numeric('A', { min: 0, max: 9, fraction: true }), '0.5')).toBe(0.5);
    expect(() => read(numeric('A', { min: 0, max: 9 }), '0.5')).toThrow(/whole number/);
    expect(
      read(
        parsed('A', (value) => value.length),
        'abc',
      ),
    ).toBe(3);
  });
});
