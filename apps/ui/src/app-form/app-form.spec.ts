import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../api/api-types.js';
import {
  applyFields,
  editableDefinition,
  fieldsOfApp,
  NEW_APP,
  parseAppJson,
  printAppJson,
} from './app-form.js';

const FIELDS = fieldsOfApp({ ...NEW_APP, id: '/web', cmd: 'sleep 1' });

describe('applyFields', () => {
  it('builds a definition from the six fields', () => {
    const { app, errors } = applyFields({}, { ...FIELDS, cpus: '0.5', uris: 'http://a/b.tgz\n\n' });

    expect(errors).toEqual({});
    expect(app).toEqual({
      id: '/web',
      cmd: 'sleep 1',
      cpus: 0.5,
      mem: 128,
      instances: 1,
      fetch: [{ uri: 'http://a/b.tgz' }],
    });
  });

  it('keeps every field it does not know', () => {
    const app: JsonObject = { id: '/web', labels: { a: 'b' }, 'x-unknown': [1, { y: null }] };

    expect(applyFields(app, FIELDS).app).toMatchObject(app);
  });

  it('keeps the options of a URI that stays', () => {
    const app: JsonObject = { id: '/web', fetch: [{ uri: 'http://a', cache: true }] };

    expect(applyFields(app, { ...FIELDS, uris: 'http://b\nhttp://a' }).app['fetch']).toEqual([
      { uri: 'http://b' },
      { uri: 'http://a', cache: true },
    ]);
  });

  it('stays with the deprecated uris where a definition uses them', () => {
    const app: JsonObject = { id: '/web', uris: ['http://a'] };

    const next = applyFields(app, { ...FIELDS, uris: 'http://a\nhttp://b' }).app;

    expect(next['uris']).toEqual(['http://a', 'http://b']);
    expect(next).not.toHaveProperty('fetch');
  });

  it('removes what is left empty, so that the default applies', () => {
    const { app } = applyFields({ id: '/web', cmd: 'x', mem: 5 }, { ...FIELDS, cmd: ' ', mem: '' });

    expect(app).not.toHaveProperty('cmd');
    expect(app).not.toHaveProperty('mem');
  });

  it('names the value and the limit of a wrong number', () => {
    const { errors } = applyFields({}, { ...FIELDS, cpus: 'many', mem: '-1', instances: '1.5' });

    expect(errors).toEqual({
      cpus: '"many" is not a number',
      mem: '-1 is below the minimum 0',
      instances: '1.5 is not a whole number',
    });
  });

  it.each(['', '/', 'Web', '/shop/-web', '/shop/we b', '/a_b'])('refuses the id "%s"', (id) => {
    expect(applyFields({}, { ...FIELDS, id }).errors.id).toBeDefined();
  });

  it.each(['web', '/shop/web', '/a.b-c/d', '../x'])('accepts the id "%s"', (id) => {
    expect(applyFields({}, { ...FIELDS, id }).errors.id).toBeUndefined();
  });

  it('changes nothing when the fields were not touched', () => {
    const fetch = fc.array(fc.record({ uri: fc.webUrl(), cache: fc.boolean() }), { maxLength: 3 });
    const app = fc.record(
      {
        id: fc.constantFrom('/web', '/shop/web'),
        cmd: fc.string({ minLength: 1 }).filter((s) => s.trim() !== ''),
        cpus: fc.integer({ min: 1, max: 64 }),
        mem: fc.integer({ min: 1, max: 9999 }),
        instances: fc.nat(100),
        fetch,
        labels: fc.dictionary(fc.string(), fc.string(), { noNullPrototype: true }),
        extra: fc.jsonValue(),
      },
      { requiredKeys: ['id'] },
    );

    void fc.assert(
      fc.property(app, (value) => {
        const definition = JSON.parse(JSON.stringify(value)) as JsonObject;

        expect(applyFields(definition, fieldsOfApp(definition)).app).toEqual(definition);
      }),
    );
  }, 60_000);
});

describe('parseAppJson', () => {
  it('reads what printAppJson wrote', () => {
    expect(parseAppJson(printAppJson(NEW_APP))).toEqual({ ok: true, app: NEW_APP });
  });

  it('says where the text is wrong', () => {
    const result = parseAppJson('{\n  "id": oops\n}');

    expect(result).toMatchObject({ ok: false });
    expect(result.ok ? '' : result.error).toContain('This is not JSON');
  });

  it('wants an object', () => {
    expect(parseAppJson('[1]')).toMatchObject({ ok: false });
    expect(parseAppJson('null')).toMatchObject({ ok: false });
  });
});

describe('editableDefinition', () => {
  it('leaves out what the server wrote and keeps the rest', () => {
    const definition = editableDefinition({
      id: '/web',
      tasksRunning: 1,
      version: 'v',
      tasks: [],
      ports: [10001],
      portDefinitions: [{ port: 10001 }],
      uris: [],
      custom: 1,
    });

    expect(definition).toEqual({ id: '/web', portDefinitions: [{ port: 10001 }], custom: 1 });
  });
});
