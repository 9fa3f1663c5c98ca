import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ContainerConfig } from './docker-parameters.js';
import { withSeccomp } from './docker-seccomp.js';

const config = { HostConfig: { SecurityOpt: ['label=disable'] } } as unknown as ContainerConfig;
let directory = '';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pacer-seccomp-'));
  await writeFile(join(directory, 'strict.json'), '{ "defaultAction": "SCMP_ACT_ERRNO" }\n');
  await writeFile(join(directory, 'broken.json'), '{');
});
afterAll(async () => await rm(directory, { recursive: true }));

const optionsOf = async (...given: Parameters<typeof withSeccomp>) =>
  (await withSeccomp(...given)).HostConfig.SecurityOpt;

it('says nothing of its own where nothing is asked for', async () => {
  expect(await withSeccomp(config, undefined, directory)).toBe(config);
});

it('passes on that there is to be no profile, and the text of one', async () => {
  expect(await optionsOf(config, 'unconfined', undefined)).toEqual([
    'label=disable',
    'seccomp=unconfined',
  ]);
  expect(await optionsOf(config, { profile: 'strict.json' }, directory)).toEqual([
    'label=disable',
    'seccomp={"defaultAction":"SCMP_ACT_ERRNO"}',
  ]);
});

it('lets a parameter go before', async () => {
  const given = {
    HostConfig: { SecurityOpt: ['seccomp=unconfined'] },
  } as unknown as ContainerConfig;

  expect(await withSeccomp(given, { profile: 'strict.json' }, directory)).toBe(given);
});

it.each([
  ['no directory', 'strict.json', () => undefined, 'this agent has no directory of profiles'],
  ['no such file', 'other.json', () => directory, 'cannot be read from'],
  ['no JSON', 'broken.json', () => directory, 'cannot be read from'],
  ['a path', '../strict.json', () => directory, 'is no file name'],
])('fails the launch for %s, naming the profile', async (_, profile, where, reason) => {
  await expect(withSeccomp(config, { profile }, where())).rejects.toMatchObject({
    code: 'LAUNCH_FAILED',
    message: expect.stringContaining(`seccomp profile "${profile}": ${reason}`),
  });
});
