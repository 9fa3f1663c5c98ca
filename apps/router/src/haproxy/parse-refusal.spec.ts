import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeWithHaproxy } from './haproxy.test-support.js';
import { parseRefusal } from './parse-refusal.js';
import { validateConfig } from './validate-config.js';

it('reads lines and leaves out warnings', () => {
  const stderr = [
    '[NOTICE]   (7) : haproxy version is 2.6.12',
    "[WARNING]  (7) : config : parsing [/a/x.cfg:3] : 'option httplog' not usable",
    "[ALERT]    (7) : config : parsing [/a/x.cfg:8] : unknown keyword 'foo' in 'backend' section",
    '[ALERT]    (7) : config : Fatal errors found in configuration.',
  ].join('\n');

  expect(parseRefusal(stderr)).toEqual([
    { file: '/a/x.cfg', line: 8, message: "unknown keyword 'foo' in 'backend' section" },
  ]);
});

describeWithHaproxy('parseRefusal of the real HAProxy', () => {
  it('names every line that is wrong', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'pacer refusal-'));
    const path = join(directory, 'haproxy.cfg');
    const text = [
      'defaults',
      '  timeout connect 1s',
      '  timeout client 1s',
      '  timeout server 1s',
      'backend one',
      '  balance nonsense',
      'backend two',
      '  server s 127.0.0.1:1 unheard-of',
      'backend one',
      'frontend three',
      '  use_backend gone if { nonsense -m found }',
      '',
    ].join('\n');
    await writeFile(path, text);

    const verdict = await validateConfig(path);
    await rm(directory, { recursive: true, force: true });

    const refusals = parseRefusal(verdict.ok ? '' : verdict.reason);
    const lines = refusals.map(({ line }) => line);
    expect(lines).toEqual(expect.arrayContaining([6, 8, 11]));
    expect(new Set(refusals.map(({ file }) => file))).toEqual(new Set([path]));
  });
});
