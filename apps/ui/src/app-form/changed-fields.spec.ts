import { expect, it } from 'vitest';
import { changedFields } from './changed-fields.js';

it('names what was changed, added and removed', () => {
  const before = { id: '/web', instances: 1, env: { A: '1' }, cmd: 'true' };
  const after = { id: '/web', instances: 2, env: { A: '2' }, labels: {} };

  expect(changedFields(before, after)).toEqual(['cmd', 'env', 'instances', 'labels']);
});

it('finds nothing in the same definition, as after a restart', () => {
  const app = { id: '/web', env: { A: '1' }, constraints: [['hostname', 'UNIQUE']] };

  expect(changedFields(app, structuredClone(app))).toEqual([]);
});
