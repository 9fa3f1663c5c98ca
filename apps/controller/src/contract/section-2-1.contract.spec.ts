/** Section 2.1 of the contract, fact by fact: ids. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { anApp } from '../../../../test/support/store-fixtures.js';
import { EngineHarness } from '../engine/engine-harness.test-support.js';
import { type AppDeclarations, startDeclarations } from './declare-apps.test-support.js';
import { decidedOtherwise, shownBy } from './shown-by.test-support.js';

describe('2.1 Ids', () => {
  let apps: AppDeclarations;
  beforeAll(async () => {
    apps = await startDeclarations();
  });
  afterAll(() => apps.api.daemon.close());

  const ask = async (method: string, url: string, body?: unknown) => {
    const reply = await apps.api.ask(method, url, body);
    const { details = [], message } = reply.json() as {
      readonly details?: readonly { readonly path: string }[];
      readonly message?: string;
    };
    return { status: reply.statusCode, paths: details.map(({ path }) => path), message };
  };
  const idOf = async (id: unknown): Promise<unknown> => {
    const outcome = await apps.declare({ id });
    return typeof outcome === 'string' ? outcome : outcome['id'];
  };

  it.each(['/seg/a', '/seg/a-b', '/seg/a--b', '/seg/0', '/seg/a.b', '/seg/a-1.b-2', '/seg/9.9'])(
    'takes %s: lowercase letters, digits, inner hyphens, labels joined by dots',
    async (id) => {
      expect(await idOf(id)).toBe(id);
    },
  );

  it.each([
    '/A',
    '/a_b',
    '/-a',
    '/a-',
    '/.a',
    '/a.',
    '/a..b',
    '/a.-b',
    '/ä',
    '/a b',
    '/a/%2e',
    '/…',
  ])('refuses %s', async (id) => {
    expect(await idOf(id)).toBe('422 /id');
  });

  it('allows . and .. as relative steps only', async () => {
    expect(await idOf('/rel/./one')).toBe('/rel/one');
    expect(await idOf('/rel/gone/../two')).toBe('/rel/two');
    expect(await idOf('/../three')).toBe('422 /id');
  });

  it('has one character at least', async () => {
    expect(await idOf('')).toBe('422 /id');
  });

  it.each(['/', '/.', '/x/..', '/restart', '/x/tasks', '/x/versions', '..'])(
    'is not %s: the root, or a name the API uses below an app',
    async (id) => {
      expect(await idOf(id)).toBe('422 /id');
    },
  );

  it('is not shared by an app and a group', async () => {
    await apps.declare({ id: '/shared/app' });

    expect(await ask('POST', '/v2/apps', { id: '/shared', cmd: 'x' })).toMatchObject({
      status: 409,
      message: 'A group with id [/shared] already exists.',
    });
    expect(await ask('PUT', '/v2/apps/shared', { cmd: 'x' })).toMatchObject({
      ...{ status: 422, paths: ['/id'] },
    });
    expect(await ask('POST', '/v2/apps', { id: '/shared/app/below', cmd: 'x' })).toMatchObject({
      ...{ status: 422, paths: ['/id'] },
    });
    expect(await ask('POST', '/v2/groups', { id: '/shared/app' })).toMatchObject({ status: 409 });
  });

  it('is not shared by an app and a pod', async () => {
    const containers = [
      { name: 'c', exec: { command: { shell: 'x' } }, resources: { cpus: 1, mem: 1 } },
    ];
    await apps.declare({ id: '/an/app' });
    expect((await ask('POST', '/v2/pods', { id: '/a/pod', containers })).status).toBe(201);

    expect(await ask('POST', '/v2/apps', { id: '/a/pod', cmd: 'x' })).toMatchObject({
      status: 409,
    });
    expect(await ask('POST', '/v2/pods', { id: '/an/app', containers })).toMatchObject({
      status: 409,
    });
  });

  it('has repeated slashes collapsed, and a last one dropped', async () => {
    expect(await idOf('//many///slashes/')).toBe('/many/slashes');
  });

  it('is made absolute on input', async () => {
    expect(await idOf('relative/one')).toBe('/relative/one');
  });

  it('is relative to its group in a group, and a direct child of it', async () => {
    const group = (id: string) => ({ id: '/tree', apps: [{ id, cmd: 'x' }] });

    expect(await ask('PUT', '/v2/groups', group('leaf'))).toMatchObject({ status: 200 });
    expect((await apps.api.ask('GET', '/v2/groups/tree')).json().apps[0].id).toBe('/tree/leaf');
    for (const id of ['/tree/leaf', './leaf', '../tree/leaf']) {
      expect(await ask('PUT', '/v2/groups', group(id))).toMatchObject({ status: 200 });
    }
    for (const id of ['sub/leaf', '/elsewhere', '../leaf', '.']) {
      expect(await ask('PUT', '/v2/groups', group(id))).toMatchObject({
        ...{ status: 422, paths: ['/apps(0)/id'] },
      });
    }
  });

  decidedOtherwise('has no greatest length', '| no longest id | 200 characters');

  it('has 200 characters at most', async () => {
    const longest = `/${'a'.repeat(199)}`;

    expect(await idOf(longest)).toBe(longest);
    expect(await idOf(`${longest}a`)).toBe('422 /id');
  });

  it('makes the ids of instances and tasks: segments joined by _, a UUID, the incarnation', async () => {
    const harness = new EngineHarness();
    await harness.start();
    await harness.put(anApp('/shop/back-end/web.v2'));
    await harness.clock.advance(1_000);

    const [task] = harness.cluster.running();
    const id = task?.info.task_id.value ?? '';
    expect(id).toMatch(
      /^shop_back-end_web\.v2\.instance-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\._app\.1$/,
    );
    harness.crash();
  });

  shownBy(
    'ids of tasks of pods name the container',
    'apps/controller/src/engine/pods.spec.ts',
    'is launched as one group that shares its ports',
  );
  shownBy(
    'the incarnation increases with each launch of the same instance',
    'apps/controller/src/engine/resident.spec.ts',
    'is launched again under its id, with the next incarnation, on its volume',
  );
});
