import { expect, test } from 'vitest';
import type { WireAttribute, WireResource } from '#mesos-v1';
import { type AgentDescription, findReconfiguration } from './agent-reconfiguration.js';

const scalar = (name: string, value: number, role = '*'): WireResource => ({
  ...{ name, type: 'SCALAR', scalar: { value }, role },
});
const ports = (begin: number, end: number): WireResource => ({
  ...{ name: 'ports', type: 'RANGES', ranges: { range: [{ begin, end }] } },
});
const text = (name: string, value: string): WireAttribute => ({
  ...{ name, type: 'TEXT', text: { value } },
});
const BEFORE: AgentDescription = {
  hostname: 'h1',
  resources: [scalar('cpus', 4), scalar('mem', 1024), scalar('mem', 512, 'ads'), ports(1, 9)],
  attributes: [
    text('rack', 'a'),
    { name: 'os', type: 'RANGES', ranges: { range: [{ begin: 1, end: 3 }] } },
    { name: 'zones', type: 'SET', set: { item: ['x', 'y'] } },
  ],
};
const MORE: AgentDescription = {
  hostname: 'h1',
  resources: [...BEFORE.resources, scalar('cpus', 1), scalar('disk', 7), ports(10, 20)],
  attributes: [
    ...BEFORE.attributes.filter(({ type }) => type === 'TEXT'),
    { name: 'os', type: 'RANGES', ranges: { range: [{ begin: 1, end: 4 }] } },
    { name: 'zones', type: 'SET', set: { item: ['z', 'y', 'x'] } },
    text('new', 'b'),
  ],
};

test('the same in another order is equal', () => {
  const after: AgentDescription = {
    hostname: 'h1',
    resources: [...BEFORE.resources].reverse(),
    attributes: [...BEFORE.attributes].reverse(),
  };

  expect(findReconfiguration(BEFORE, after, 'equal')).toEqual([]);
});

test('what only adds is additive, and each addition is named where nothing may change', () => {
  expect(findReconfiguration(BEFORE, MORE, 'additive')).toEqual([]);
  expect(findReconfiguration(BEFORE, MORE, 'equal')).toEqual([
    'cpus was 4, is 5',
    'disk was 0, is 7',
    'ports was [1-9], is [1-20]',
    'attribute new was absent, is "b"',
    'attribute os was [1-3], is [1-4]',
    'attribute zones was {x, y}, is {x, y, z}',
  ]);
});

test('what takes away is not additive, a reservation of a role by itself included', () => {
  const found = findReconfiguration(MORE, { ...BEFORE, hostname: 'h2' }, 'additive');

  expect(found).toEqual([
    'hostname was h1, is h2',
    'cpus was 5, is 4',
    'disk was 7, is 0',
    'ports was [1-20], is [1-9]',
    'attribute new was "b", is absent',
    'attribute os was [1-4], is [1-3]',
    'attribute zones was {x, y, z}, is {x, y}',
  ]);
  const unreserved = {
    ...BEFORE,
    resources: [scalar('cpus', 4), scalar('mem', 1536), ports(1, 9)],
  };
  const [lost] = findReconfiguration(BEFORE, unreserved, 'additive');
  expect(lost).toMatch(/^mem.*ads.* was 512, is 0$/);
});

test('with the policy any nothing is compared', () => {
  expect(findReconfiguration(MORE, BEFORE, 'any')).toEqual([]);
});
