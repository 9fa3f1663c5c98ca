import { readFile } from 'node:fs/promises';

/** Whom a framework says it is, and the proof. */
export interface Credential {
  readonly principal: string;
  readonly secret: string;
}

/** The header of HTTP Basic. Throws TypeError for a principal it cannot carry. */
export function authorizationOf(
  credential: Credential | undefined,
): Readonly<Record<string, string>> {
  if (credential === undefined) return {};
  const { principal, secret } = credential;
  if (principal === '' || principal.includes(':')) {
    throw new TypeError(`principal ${JSON.stringify(principal)}: it is empty or holds a colon`);
  }
  return { authorization: `Basic ${Buffer.from(`${principal}:${secret}`).toString('base64')}` };
}

/**
 * Reads a credential from a file as Mesos' `--credential` has it: JSON `{"principal", "secret"}`, or `principal secret` on
 * the first line that is no comment. Throws naming the file, never what is in it.
 */
export async function readCredential(path: string): Promise<Credential> {
  const text = (await readFile(path, 'utf8')).trim();
  const { principal, secret } = text.startsWith('{') ? fromJson(text) : fromLine(text);
  if (!principal || !secret) throw new Error(`${path} holds no principal and secret`);
  return { principal, secret };
}

function fromLine(text: string): Partial<Credential> {
  const line = text.split('\n').find((one) => one.trim() !== '' && !one.trim().startsWith('#'));
  const [principal = '', secret = ''] = (line ?? '').trim().split(/\s+/);
  return { principal, secret };
}

function fromJson(text: string): Partial<Credential> {
  try {
    const { principal, secret } = JSON.parse(text) as Readonly<Record<string, unknown>>;
    return { principal: String(principal ?? ''), secret: String(secret ?? '') };
  } catch {
    return {};
  }
}
