import { expect, it } from 'vitest';
import { parsePodPath } from './pod-path.js';

it.each([
  ['shop/pod', { kind: 'pod', id: '/shop/pod' }],
  ['shop/status/', { kind: 'pod', id: '/shop/status' }],
  ['::status', { kind: 'all-status' }],
  ['shop/pod::status', { kind: 'status', id: '/shop/pod' }],
  ['pod::versions', { kind: 'versions', id: '/pod' }],
  ['pod::versions/2026-01-01', { kind: 'version', id: '/pod', version: '2026-01-01' }],
  ['pod::instances', { kind: 'instances', id: '/pod' }],
  ['pod::instances/pod.instance-1', { kind: 'instance', id: '/pod', instanceId: 'pod.instance-1' }],
  ['::versions', { kind: 'unknown' }],
  ['pod::status/x', { kind: 'unknown' }],
  ['pod::', { kind: 'unknown' }],
])('%s', (rest, path) => {
  expect(parsePodPath(rest)).toEqual(path);
});
