import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { scalarMilli } from '#core';
import { decodeResources } from '#mesos-v1';
import { detectResources } from './detect-resources.js';
import { readAttributes } from './read-attributes.js';
import { readResources } from './read-resources.js';

const configured = {
  ...{ cpus: undefined, memMib: 64, diskMib: 100, ports: [{ begin: 1, end: 2 }] },
  ...{ named: [], gpus: 0, defaultRole: '*' },
};
const detect = (named: string, defaultRole = '*', gpus = 0) =>
  detectResources({ ...configured, gpus, named: readResources(named), defaultRole }, tmpdir());

test("Mesos' notation gives amounts, ranges and the roles that own them", async () => {
  const found = await detect('cpus:4; mem(ads):1024;mem:0.5;ports:[31000-31001, 31005]');

  const scalar = (name: string, value: number, role = '*') =>
    ({ name, type: 'SCALAR', scalar: { value }, role }) as const;
  const range = [
    { begin: 31_000, end: 31_001 },
    { begin: 31_005, end: 31_005 },
  ];
  expect(found).toEqual(
    decodeResources([
      ...[scalar('cpus', 4), scalar('mem', 1024, 'ads'), scalar('mem', 0.5), scalar('disk', 100)],
      { name: 'ports', type: 'RANGES', ranges: { range }, role: '*' },
    ]),
  );
});

test('JSON says the same, in the old form and with reservations', async () => {
  const json = JSON.stringify([
    { name: 'cpus', type: 'SCALAR', scalar: { value: 4 }, role: 'ads' },
    {
      ...{ name: 'mem', type: 'SCALAR', scalar: { value: 8 } },
      reservations: [{ type: 'STATIC', role: 'ads' }],
    },
    { name: 'ports', type: 'RANGES', ranges: { range: [{ begin: 5, end: 6 }] }, role: '*' },
  ]);

  expect(await detect(json)).toEqual(await detect('cpus(ads):4;mem(ads):8;ports:[5-6]'));
});

test('what is not named is detected, and what has no role is the default one', async () => {
  const found = await detect('cpus(*):3', 'web');

  expect(scalarMilli(found, 'cpus')).toBe(3_000);
  expect(found).toEqual(await detect('cpus(*):3;mem(web):64;disk(web):100;ports(web):[1-2]'));
});

test.each([
  ['cpus', 'has "cpus", which is not name:value'],
  ['cpus:many', 'is a text, which no agent can offer'],
  ['zones:{a,b}', 'is a set, which no agent can offer'],
  ['cpus:-1', 'is -1, not 0 or within'],
  ['cpus:[1-2]', 'is ranges: cpus is a number'],
  ['ports:7', 'is not ranges'],
  ['gpus:0.5', 'is not a whole number of gpus'],
  ['gpus:[0-1]', 'is not a whole number of gpus'],
  ['ports:[1-70000]', 'has the range 1-70000, not within 1 and 65535'],
  ['ports:[9-1]', 'has "9-1", not a range first-last'],
  ['ports(a):[1-5];ports(b):[5-6]', 'has 5 of ports twice'],
  ['cpus(a b):1', 'has the role "a b"'],
  ['c{pus:1', 'has the name "c{pus"'],
  ['[{"name":"cpus"}]', 'is neither a SCALAR'],
  ['[{"name":"d","type":"SCALAR","scalar":{"value":1},"disk":{}}]', 'has disk, which no agent'],
  [
    '[{"name":"d","type":"SCALAR","scalar":{"value":1},"reservations":[{"type":"DYNAMIC","role":"a"}]}]',
    'not one STATIC one',
  ],
  ['[nonsense', 'is not JSON'],
])('refuses %s', (text, reason) => {
  expect(() => readResources(text)).toThrow(reason);
});

test('gpus are all there are, or fewer; never more', async () => {
  expect(scalarMilli(await detect('cpus:1', '*', 2), 'gpus')).toBe(2_000);
  const fewer = await detect('gpus(ml):1', '*', 2);
  expect(fewer).toEqual(await detect('gpus:1', 'ml', 2).then((all) => ({ ...all, ...fewer })));
  await expect(detect('gpus(ml):2;gpus:1', '*', 2)).rejects.toThrow(
    'PACER_AGENT_RESOURCES: gpus is 3, there are 2 NVIDIA GPUs here',
  );
});

test('attributes are texts, numbers, ranges or sets', () => {
  expect(readAttributes('rack:a;generation:3;os:[1-2, 5];zones:{x, y};url:http://h:1/')).toEqual([
    { name: 'rack', type: 'TEXT', text: { value: 'a' } },
    { name: 'generation', type: 'SCALAR', scalar: { value: 3 } },
    {
      ...{ name: 'os', type: 'RANGES' },
      ranges: {
        range: [
          { begin: 1, end: 2 },
          { begin: 5, end: 5 },
        ],
      },
    },
    { name: 'zones', type: 'SET', set: { item: ['x', 'y'] } },
    { name: 'url', type: 'TEXT', text: { value: 'http://h:1/' } },
  ]);
  expect(() => readAttributes('os:[x]')).toThrow('(entry os:[x]) has "x", not a range');
});
