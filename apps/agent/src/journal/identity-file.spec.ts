import { expect, test } from 'vitest';
import { readIdentity, writeIdentity } from './identity-file.js';

const AT = { folder: '/work/journal', path: '/work/journal/agent.json' };
const IDENTITY = { agentId: 'agent-1', highestEpoch: 31, bootId: 'b' };

test('no byte of it can change without that being seen', () => {
  const text = writeIdentity(IDENTITY);

  expect(readIdentity(text, AT)).toEqual(IDENTITY);
  for (let at = 0; at < text.trimEnd().length; at += 1) {
    const byte = String.fromCharCode(text.charCodeAt(at) ^ 0x02);
    const damaged = text.slice(0, at) + byte + text.slice(at + 1);
    // Without the name of the checksum it is as one of an earlier version, or no JSON.
    if (damaged.includes('"checksum":')) {
      expect(() => readIdentity(damaged, AT), damaged).toThrow(
        /agent\.json is damaged: .* move \/work\/journal away/,
      );
    } else expect(readAsFarAsItGoes(damaged), damaged).toMatchObject(IDENTITY);
  }
});

const readAsFarAsItGoes = (text: string): object => {
  try {
    return readIdentity(text, AT);
  } catch {
    return IDENTITY;
  }
};

test('one that an earlier version wrote has no checksum', () => {
  expect(readIdentity(JSON.stringify(IDENTITY), AT)).toEqual(IDENTITY);
});
