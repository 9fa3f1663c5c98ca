import { describe, expect, it } from 'vitest';
import type { EdgeRoute } from '../api/route-types.js';
import {
  addressesOf,
  disagreement,
  expiryOf,
  formatErrors,
  formatMs,
  formatRate,
  instanceSentence,
  routeTone,
  standingWords,
} from './route-words.js';

const route = (fields: Partial<EdgeRoute> = {}): EdgeRoute => ({
  id: '/shop:0',
  appId: '/shop',
  portIndex: 0,
  groups: ['external'],
  mode: 'http',
  vhosts: [],
  paths: [],
  instances: [],
  outside: [],
  routers: {},
  ...fields,
});
const instance = (state: string, disagree?: { router: string; state: string }[]) => ({
  taskId: 't',
  address: '127.0.0.1',
  port: 1,
  state,
  ...(disagree === undefined ? {} : { disagree }),
});

describe('a route in words', () => {
  it('is found by its hosts with their paths, else by its port', () => {
    const hosts = route({ vhosts: ['a', 'b'], paths: ['/x'], listenPort: 1 });

    expect(addressesOf(hosts)).toEqual(['a/x', 'b/x']);
    expect(addressesOf(route({ listenPort: 10_080 }))).toEqual(['port 10080']);
    expect(addressesOf(route())).toEqual([]);
  });

  it('tells who serves, who leaves and who is outside, and how bad that is', () => {
    const outside = [{ taskId: 't', host: 'h', why: 'it is starting' }];
    const mixed = route({ instances: [instance('ready'), instance('draining')], outside });
    const split = [{ router: 'edge-1', state: 'down' }];

    expect(instanceSentence(mixed)).toBe('1 ready, 1 draining, 1 outside');
    expect(routeTone(mixed)).toBe('good');
    expect(routeTone(route({ instances: [instance('draining')] }))).toBe('bad');
    expect(routeTone(route({ instances: [instance('ready', split)] }))).toBe('warn');
    expect(disagreement(instance('ready', split))).toBe('edge-1 says down');
  });

  it('has figures, or a dash where no router tells any', () => {
    expect([formatRate(undefined), formatRate(0.26), formatRate(41.6)]).toEqual(['—', '0.3', '42']);
    expect([formatMs(undefined), formatMs(1.24), formatMs(20.4)]).toEqual(['—', '1.2 ms', '20 ms']);
    expect(formatErrors(undefined)).toBe('—');
    expect(formatErrors({ errors5xx: 2, errorsConnect: 1 })).toBe('3');
  });
});

it('a router is up to date, behind, or silent', () => {
  const router = { id: 'r', heardAt: '', isRecent: true, behindEvents: 0 };

  expect(standingWords(router)).toBe('up to date');
  expect(standingWords({ ...router, behindEvents: 1, behindSeconds: 12 })).toBe(
    '1 event behind, 12 s',
  );
  expect(standingWords({ ...router, isRecent: false, behindEvents: 3 })).toBe('silent');
});

it('a certificate is good, ends soon, or has ended', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  const ending = (notAfter: string) =>
    expiryOf({ name: 'c', hosts: [], issuer: '', fingerprint: '', notAfter }, now);

  expect(ending('2026-03-01T00:00:00Z')).toEqual({ tone: 'good', text: 'expires in 59 days' });
  expect(ending('2026-01-02T00:00:00Z')).toEqual({ tone: 'warn', text: 'expires in 1 day' });
  expect(ending('2026-01-01T05:00:00Z').text).toBe('expires today');
  expect(ending('2025-12-30T00:00:00Z')).toEqual({ tone: 'bad', text: 'expired 2 days ago' });
});
