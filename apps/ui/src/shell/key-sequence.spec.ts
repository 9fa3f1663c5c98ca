import { expect, it } from 'vitest';
import { LEADER_TIMEOUT_MS, NO_KEYS, reduceKeys } from './key-sequence.js';

const press = (key: string) => ({ key, hasModifier: false, isTyping: false });

it('acts at once on a single key', () => {
  expect(reduceKeys(NO_KEYS, press('c'), 0).shortcut).toBe('create');
  expect(reduceKeys(NO_KEYS, press('?'), 0).shortcut).toBe('help');
});

it('goes where the key after g says', () => {
  const { state } = reduceKeys(NO_KEYS, press('g'), 0);

  expect(reduceKeys(state, press('d'), 100).shortcut).toBe('goDeployments');
});

it('forgets g after a while', () => {
  const { state } = reduceKeys(NO_KEYS, press('g'), 0);

  expect(reduceKeys(state, press('a'), LEADER_TIMEOUT_MS + 1).shortcut).toBeUndefined();
});

it('does not create anything for the c of "g c"', () => {
  const { state } = reduceKeys(NO_KEYS, press('g'), 0);

  expect(reduceKeys(state, press('c'), 1)).toEqual({ state: NO_KEYS, shortcut: undefined });
});

it('leaves typing and browser shortcuts alone', () => {
  expect(reduceKeys(NO_KEYS, { ...press('c'), isTyping: true }, 0).shortcut).toBeUndefined();
  expect(reduceKeys(NO_KEYS, { ...press('c'), hasModifier: true }, 0).shortcut).toBeUndefined();
});
