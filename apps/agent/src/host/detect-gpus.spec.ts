import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { detectGpus } from './detect-gpus.js';

const FIRST = 'GPU-11111111-2222-3333-4444-555555555555';
const SECOND = 'GPU-66666666-7777-8888-9999-000000000000';

let root: string;
const add = async (folder: string, uuid: string, minor: number): Promise<void> => {
  await mkdir(join(root, folder));
  const text = `Model: \t\t NVIDIA A100\nIRQ:   \t\t 129\nGPU UUID: \t ${uuid}\nBus Type: \t PCIe\nDevice Minor: \t ${minor}\n`;
  await writeFile(join(root, folder, 'information'), text);
};

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'pacer-gpus-'));
  await add('0000:0a:00.0', SECOND, 1);
  await add('0000:0b:00.0', FIRST, 0);
  // A GPU whose driver is still starting has no UUID.
  await add('0000:0c:00.0', '', 2);
});
afterAll(() => rm(root, { recursive: true }));

describe('NVIDIA GPUs', () => {
  it('are those the driver tells of, in the order of their numbers', async () => {
    expect(await detectGpus(['all'], root)).toEqual([FIRST, SECOND]);
    expect(await detectGpus(['all'], join(root, 'none'))).toEqual([]);
  });

  it('are chosen by number or UUID, each once', async () => {
    expect(await detectGpus(['1', SECOND], root)).toEqual([SECOND]);
    expect(await detectGpus(['none'], root)).toEqual([]);
  });

  it('that are not there are told with those that are', async () => {
    await expect(detectGpus(['7'], root)).rejects.toThrow(
      `there is no NVIDIA GPU 7 here, there are: 0 (${FIRST}), 1 (${SECOND})`,
    );
  });
});
