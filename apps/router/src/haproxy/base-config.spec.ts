import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLogger } from '#platform';
import { BaseConfig } from './base-config.js';

describe('BaseConfig', () => {
  let directory: string;
  let path: string;
  let lastGoodPath: string;
  let changes: number;
  let base: BaseConfig;

  const newBase = (): BaseConfig =>
    new BaseConfig({
      path,
      lastGoodPath,
      logger: createLogger('router-spec'),
      onChange: () => {
        changes += 1;
      },
    });

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'pacer-base-'));
    path = join(directory, 'operator.cfg');
    lastGoodPath = join(directory, 'last-good.cfg');
    changes = 0;
    base = newBase();
  });
  afterEach(async () => {
    base.stop();
    await rm(directory, { recursive: true, force: true });
  });

  it('passes on the file and each change of it', async () => {
    await writeFile(path, 'one');
    await base.start();
    expect(base.text).toBe('one');

    await writeFile(path, 'second');
    await base.look();
    await base.look();

    expect(base.text).toBe('one');
    base.take();
    expect(base.text).toBe('second');
    expect(changes).toBe(2);
  });

  it('goes back to the last good one when HAProxy refuses it, until it changes again', async () => {
    await writeFile(path, 'one');
    await base.start();
    await base.confirm(base.text);
    await writeFile(path, 'broken');
    await base.look();
    base.take();

    expect(base.refuse('broken', 'unknown keyword')).toBe(true);
    expect(base.text).toBe('one');
    expect(base.problem).toContain('unknown keyword');
    await writeFile(path, 'mended');
    await base.look();
    base.take();

    expect(base.text).toBe('mended');
    expect(base.problem).toBeUndefined();
  });

  it('stays one text while a reload is made of it, whatever is written meanwhile, and nothing is lost', async () => {
    await writeFile(path, 'one');
    await base.start();
    await base.confirm('one');
    await writeFile(path, 'broken');
    await base.look();
    base.take();
    base.refuse('broken', 'unknown keyword');

    // Written again while what it was served with before is being reloaded.
    await writeFile(path, 'mended now');
    await base.look();
    expect(base.text).toBe('one');
    await base.confirm('one');

    base.take();
    expect(base.text).toBe('mended now');
  });

  it('is tried again when the same text was written anew while it was refused', async () => {
    await writeFile(path, 'one');
    await base.start();
    base.take();
    await rm(path);
    await writeFile(path, 'one');
    await base.look();

    expect(base.refuse('one', 'its port is taken')).toBe(true);
    base.take();

    expect(base.text).toBe('one');
  });

  it('is refused for a start without a word of HAProxy when that happens twice', async () => {
    await writeFile(path, 'one');
    await base.start();

    base.doubt('one', 'no worker after 5000 ms');
    expect([base.text, base.problem]).toEqual(['one', undefined]);
    base.doubt('one', 'no worker after 5000 ms');

    expect(base.text).toBeUndefined();
    expect(base.problem).toContain('no worker');
  });

  it('is not to blame for a refusal once HAProxy has served with it', async () => {
    await writeFile(path, 'one');
    await base.start();
    await base.confirm('one');

    expect(base.refuse('one', 'an app')).toBe(false);
    expect(base.text).toBe('one');
  });

  it('serves the last good one when the file is gone, and says so', async () => {
    await writeFile(path, 'one');
    await base.start();
    await base.confirm('one');
    base.stop();
    await rm(path);

    base = newBase();
    await base.start();

    expect(base.text).toBe('one');
    expect(base.problem).toContain('ENOENT');
    expect(await readFile(lastGoodPath, 'utf8')).toBe('one');
  });
});
