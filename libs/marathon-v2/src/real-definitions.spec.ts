import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { groupId } from '#core';
import { declareGroup } from './change-groups.js';
import { readGroupRequest } from './group-request.js';
import { parseJsonText } from './json-text.js';
import { applyDeclaration, emptyRoot, rules, unwrap } from './marathon-v2.test-support.js';
import { toWireApp } from './to-wire-app.js';

/** A busy machine may need longer than the usual limit. */
vi.setConfig({ testTimeout: 120_000 });

interface Dump {
  readonly id: string;
  readonly apps: readonly { readonly id: string }[];
}

/** Every field the author wrote, wherever it is; fields we add are not looked at. */
function fieldsLost(written: unknown, read: unknown, path = ''): readonly string[] {
  if (typeof written !== 'object' || written === null) {
    return Object.is(written, read) ? [] : [path];
  }
  return Object.entries(written).flatMap(([key, value]) =>
    fieldsLost(value, (read as Record<string, unknown> | undefined)?.[key], `${path}/${key}`),
  );
}

describe.each(['real-group-100-apps.json', 'real-group-500-apps.json'])('%s', (name) => {
  const file = fileURLToPath(new URL(`../../../../shared/data/marathon/${name}`, import.meta.url));
  const isThere = existsSync(file);
  if (!isThere) console.warn(`skipped: ${name} is not on this machine`);

  it.skipIf(!isThere)('reads back field by field what its author wrote', () => {
    const text = readFileSync(file, 'utf8');
    const dump = JSON.parse(text) as Dump;

    const request = unwrap(readGroupRequest(unwrap(parseJsonText(text)), { strict: false }));
    if (request.kind !== 'update') throw new Error(`read as ${request.kind}`);
    const context = { root: emptyRoot(), version: '2026-01-01T00:00:00.000Z', rules };
    const declared = unwrap(
      declareGroup(context, groupId(dump.id), request.update, { create: false }),
    );

    const back = new Map(declared.putApps.map((app) => [app.id as string, toWireApp(app)]));
    const lost = dump.apps.flatMap((app) => {
      const { versionInfo: _serverWritten, ...written } = app as typeof app & {
        versionInfo?: unknown;
      };
      return fieldsLost(written, back.get(app.id), app.id);
    });
    expect(back.size).toBe(dump.apps.length);
    expect(lost).toEqual([]);
  });

  it.skipIf(!isThere)('changes nothing when what was read is put again', () => {
    const text = readFileSync(file, 'utf8');
    const request = unwrap(readGroupRequest(JSON.parse(text), { strict: true }));
    if (request.kind !== 'update') throw new Error(`read as ${request.kind}`);
    const first = { root: emptyRoot(), version: '2026-01-01T00:00:00.000Z', rules };
    const id = groupId((JSON.parse(text) as Dump).id);
    const declared = unwrap(declareGroup(first, id, request.update, { create: false }));
    const root = applyDeclaration(first.root, declared);

    const reread = unwrap(
      readGroupRequest({ id, apps: [...root.apps.values()].map(toWireApp) }, { strict: true }),
    );
    if (reread.kind !== 'update') throw new Error(`read as ${reread.kind}`);
    const second = unwrap(
      declareGroup({ root, version: '2026-01-02T00:00:00.000Z', rules }, id, reread.update, {
        create: false,
      }),
    );

    expect(second.putApps.every((app) => app === root.apps.get(app.id))).toBe(true);
    expect({ ...second, putApps: [] }).toEqual({
      putApps: [],
      removeApps: [],
      putGroups: [],
      removeGroups: [],
    });
  });
});
