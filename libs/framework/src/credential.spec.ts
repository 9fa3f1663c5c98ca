import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readCredential } from './credential.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pacer-credential-'));
});
afterAll(() => rm(folder, { recursive: true }));

const read = async (text: string) => {
  const path = join(folder, 'credential');
  await writeFile(path, text);
  return readCredential(path);
};

it('is read from a line or from JSON', async () => {
  const expected = { principal: 'fw', secret: 's3cret' };

  expect(await read('# mine\n\n fw s3cret framework\n')).toEqual(expected);
  expect(await read('{"principal": "fw", "secret": "s3cret"}')).toEqual(expected);
});

it.each(['', 'fw', '{"principal": "fw"}', '{"secret": "s3cret'])('refuses %j', async (text) => {
  await expect(read(text)).rejects.toThrow(/credential holds no principal and secret$/);
});
