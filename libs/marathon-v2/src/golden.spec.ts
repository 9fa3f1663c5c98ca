import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { readNewApp } from './app-request.js';
import { declareApps } from './change-apps.js';
import { emptyRoot, rules, unwrap } from './marathon-v2.test-support.js';
import { toWireApp } from './to-wire-app.js';

const FOLDER = fileURLToPath(new URL('../../../test/fixtures/marathon-v2/', import.meta.url));
const REQUEST = /\.request\.json$/;

const names = readdirSync(FOLDER)
  .filter((file) => REQUEST.test(file))
  .map((file) => file.replace(REQUEST, ''));

it.each(names)('answers %s as agreed', async (name) => {
  const body: unknown = JSON.parse(readFileSync(`${FOLDER}${name}.request.json`, 'utf8'));
  const context = { root: emptyRoot(), version: '2026-01-01T00:00:00.000Z', rules };

  const update = unwrap(readNewApp(body, { strict: true }));
  const { putApps } = unwrap(declareApps(context, [update], { mode: 'create', partial: false }));

  const answer = `${JSON.stringify(putApps.map(toWireApp), undefined, 2)}\n`;
  await expect(answer).toMatchFileSnapshot(`${FOLDER}${name}.answer.json`);
});
