import { expect, it } from 'vitest';
import { ApiError, describeError, parseApiError } from '../api/api-error.js';
import { fieldOfPath, mapServerErrors } from './server-errors.js';

it('puts each error beside its field and lists the others with their paths', () => {
  const error = parseApiError(422, {
    message: 'Object is not valid',
    details: [
      { path: '/id', errors: ['must be lowercase'] },
      { path: '/fetch(0)/uri', errors: ['is not a URI'] },
      { path: '/upgradeStrategy/minimumHealthCapacity', errors: ['is greater than 1'] },
    ],
  });

  expect(mapServerErrors(error)).toEqual({
    message: 'Object is not valid',
    fields: { id: 'must be lowercase', uris: 'is not a URI' },
    others: [{ path: '/upgradeStrategy/minimumHealthCapacity', errors: ['is greater than 1'] }],
  });
});

it('puts a taken id beside the id', () => {
  const error = parseApiError(409, { message: 'An app with id [/x] already exists.' });

  expect(error.isLocked).toBe(false);
  expect(mapServerErrors(error).fields.id).toBe('An app with id [/x] already exists.');
});

it('knows a lock by the deployments that hold it', () => {
  const error = parseApiError(409, {
    message:
      "App is locked by one or more deployments. Override with the option '?force=true'. View details at '/v2/deployments/<DEPLOYMENT_ID>'.",
    deployments: [{ id: 'abc' }],
  });

  expect(error.isLocked).toBe(true);
  expect(error.lockedBy).toEqual(['abc']);
  expect(error.message).not.toContain('<DEPLOYMENT_ID>');
});

it('turns parser codes into words and details text into a detail', () => {
  const wrongType = parseApiError(422, {
    message: 'Invalid JSON',
    details: [{ path: '/cpus', errors: ['error.expected.jsnumber'] }],
  });
  const notJson = parseApiError(400, { message: 'Invalid JSON', details: 'Unexpected token' });

  expect(mapServerErrors(wrongType).fields.cpus).toBe('must be a number');
  expect(notJson.details).toEqual([{ path: '/', errors: ['Unexpected token'] }]);
  expect(describeError(wrongType)).toBe('Invalid JSON · /cpus: must be a number');
});

it('has a sentence even for an empty body', () => {
  expect(parseApiError(500, undefined).message).toContain('500');
  expect(describeError(new ApiError({ status: 0, message: 'gone' }))).toBe('gone');
});

it('reads fields from paths', () => {
  expect(fieldOfPath('/uris(1)')).toBe('uris');
  expect(fieldOfPath('instances')).toBe('instances');
  expect(fieldOfPath('/')).toBeUndefined();
  expect(fieldOfPath('/constructor')).toBeUndefined();
});

it('turns the codes of parsers into sentences', () => {
  const error = parseApiError(422, {
    message: 'Invalid JSON',
    details: [
      { path: '/instances', errors: ['error.expected.int'] },
      { path: '/requirePorts', errors: ['error.expected.jsboolean'] },
      { path: '/env', errors: ['error.unknown.enum.literal: "X" is not one of A, B'] },
    ],
  });

  expect(mapServerErrors(error)).toEqual({
    message: 'A field has a value of the wrong kind',
    fields: { instances: 'must be a whole number' },
    others: [
      { path: '/requirePorts', errors: ['must be true or false'] },
      { path: '/env', errors: ['"X" is not one of A, B'] },
    ],
  });
});
