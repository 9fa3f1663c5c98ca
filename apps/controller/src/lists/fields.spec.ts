import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type KnownFields, readFields, selectFields } from './fields.js';

const KNOWN: KnownFields = {
  id: 'value',
  labels: 'any',
  tasks: { id: 'value', host: 'value' },
};
const select = (fields: string, value: unknown): unknown =>
  selectFields(value, readFields({ fields }, KNOWN) ?? 'all');
const APP = {
  id: '/web',
  labels: { tier: 'front', 'com.example': 'x' },
  tasks: [
    { id: 't1', host: 'h1' },
    { id: 't2', host: 'h2' },
  ],
};

describe('selected fields', () => {
  it('are members, and members of members, in lists too', () => {
    expect(select('id', APP)).toEqual({ id: '/web' });
    expect(select('labels.tier, tasks.id', APP)).toEqual({
      labels: { tier: 'front' },
      tasks: [{ id: 't1' }, { id: 't2' }],
    });
    expect(select('labels.com\\.example', APP)).toEqual({ labels: { 'com.example': 'x' } });
    expect(select('labels.nothing', APP)).toEqual({ labels: {} });
    expect(select('tasks.id,tasks', APP)).toEqual({ tasks: APP.tasks });
    expect(select('tasks,tasks.id', APP)).toEqual({ tasks: APP.tasks });
  });

  it.each([
    ['nope', "'nope', which is no field here"],
    ['tasks.port', "'tasks.port', which is no field here"],
    ['tasks,tasks.port', "'tasks.port', which is no field here"],
    ['id.x', "'id.x', but 'id' has no members"],
    ['', "'', which is no field here"],
    ['id,', "'', which is no field here"],
    ['labels..x', "'labels..x', which is no field here"],
    ['constructor', "'constructor', which is no field here"],
    ['__proto__', "'__proto__', which is no field here"],
    [Array.from({ length: 201 }, () => 'id').join(), 'names 201 fields, the limit is 200'],
  ])('are refused when they are %s', (fields, reason) => {
    expect(() => select(fields, APP)).toThrow(
      expect.objectContaining({ status: 422, message: expect.stringContaining(reason) }),
    );
  });

  it('never show what was not asked for, nor fail on any text', () => {
    fc.assert(
      fc.property(fc.string(), (fields) => {
        try {
          const shown = select(fields, APP) as object;
          expect(Object.keys(shown).every((name) => fields.includes(name))).toBe(true);
        } catch (error) {
          expect(error).toMatchObject({ status: 422 });
        }
      }),
    );
  });
});
