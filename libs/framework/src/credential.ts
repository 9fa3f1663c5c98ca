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
