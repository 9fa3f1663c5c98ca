/** The principal of HTTP Basic credentials, already verified by the request guard where credentials are set. */
export function principalOf(authorization: string | undefined): string | undefined {
  const encoded = /^Basic ([A-Za-z0-9+/=]+)$/.exec(authorization ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const [principal] = Buffer.from(encoded, 'base64').toString('utf8').split(':', 1);
  return principal === '' ? undefined : principal;
}
