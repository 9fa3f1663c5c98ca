import { expect, it } from 'vitest';
import { ApiError } from '../api/api-error.js';
import { isUnsupported, suggestionWords } from './why-words.js';

it('says how many instances a change places and where, or that they no longer wait', () => {
  expect(suggestionWords({ change: 'cpus 2 -> 1.5', places: 1, hostname: 'host-3' }, 2)).toBe(
    '1 of 2 waiting instances would get a place, the first on host-3',
  );
  expect(suggestionWords({ change: 'instances 5 -> 4', places: 1 }, 1)).toBe(
    '1 of 1 waiting instance would no longer wait',
  );
});

it('is silent on servers without explanations, and not when one cannot be read', () => {
  expect(isUnsupported(new ApiError({ status: 404, message: 'no such app' }))).toBe(true);
  expect(isUnsupported(new ApiError({ status: 503, message: 'away' }))).toBe(false);
});
