import type { Access } from './access.js';
import { type AgentTokens, isBearer } from './agent-tokens.js';
import { ApiError } from './api-error.js';
import { type Credential, createAuthenticator, type Identity } from './credentials.js';
import { countFailedLogin, schemeOfHeader } from './failed-logins.js';
import { parseOnBehalfOf } from './on-behalf-of.js';
import type { ClientCertificate } from './tls/client-certificate.js';
import type { ClientCertificates } from './tls/tls-settings.js';

/** By what somebody can prove who they are. */
export interface Proofs {
  /** By HTTP Basic or bearer token. Looked up for each request: another list counts at once. */
  readonly credentials: readonly Credential[];
  /** By certificates of TLS clients, unless `off`. */
  readonly clientCertificates?: ClientCertificates;
  /** By bearer tokens, agents only. */
  readonly agentTokens?: AgentTokens | undefined;
}

export interface ShownProofs {
  readonly authorization: string | undefined;
  readonly certificate: ClientCertificate | undefined;
  /** What a daemon that passes the request on says of who made it. */
  readonly onBehalfOf?: string | undefined;
}

type ClosedAccess = Extract<Access, { readonly kind: 'closed' }>;

/** Whether everybody of whom something could be asked is asked. Tokens alone are no proof for anybody but agents. */
export const asksEverybody = ({ credentials, clientCertificates = 'off' }: Proofs): boolean =>
  credentials.length > 0 || clientCertificates !== 'off';

/**
 * Makes what tells who is behind a request, of those who may do what it asks for; undefined where nobody is asked.
 * Either proof will do, but one that is wrong is refused whatever the other says, and a password or token counts before
 * the certificate of whoever passes it on. Throws {@link ApiError}: 401 for missing or wrong proofs, 403 for right ones of
 * another kind or role.
 */
export function createAuthentication(
  proofs: Proofs,
): (shown: ShownProofs, access: ClosedAccess, what: string) => Identity | undefined {
  const authenticate = createCurrentAuthenticator(proofs);
  const isAsked = asksEverybody(proofs);
  return (shown, access, what) => {
    const { agentTokens } = proofs;
    const takesTokens = agentTokens !== undefined && access.to.includes('agent');
    if (!isAsked && !takesTokens) return undefined;
    const challenge = (message: string) =>
      new ApiError(401, message, { headers: { 'www-authenticate': realmOf(access, takesTokens) } });
    const identities: Identity[] = [];
    const { authorization, certificate } = shown;
    if (authorization !== undefined) {
      const isToken = isBearer(authorization);
      const byToken = isToken ? agentTokens?.identify(authorization) : undefined;
      const identity = byToken ?? authenticate(authorization);
      if (identity === undefined) {
        countFailedLogin(schemeOfHeader(authorization));
        throw challenge(isToken ? 'The token is not accepted here' : MISSING_OR_WRONG);
      }
      identities.push(identity);
    }
    if (certificate?.kind === 'refused') {
      countFailedLogin('certificate');
      throw challenge(certificate.reason);
    }
    if (certificate !== undefined) identities.push(certificate.identity);
    const fit = identities.find(({ kinds }) => access.to.some((kind) => kinds.has(kind)));
    if (fit !== undefined) return allowed(behind(fit, shown), access, what);
    const [first] = identities;
    if (first === undefined) {
      throw challenge(
        takesTokens ? `${MISSING_OR_WRONG}: an agent needs a token` : MISSING_OR_WRONG,
      );
    }
    const kinds = [...first.kinds].join(', ') || 'nothing (its certificate names no kind as OU)';
    throw new ApiError(
      403,
      `Principal ${JSON.stringify(first.principal)} may act as ${kinds}; ${what} is for ${access.to.join(', ')}`,
    );
  };
}

/** An authenticator over the credentials of the moment, made anew only when they are others. */
function createCurrentAuthenticator(proofs: Proofs): ReturnType<typeof createAuthenticator> {
  let credentials = proofs.credentials;
  let authenticate = createAuthenticator(credentials);
  return (authorization) => {
    if (proofs.credentials !== credentials) {
      credentials = proofs.credentials;
      authenticate = createAuthenticator(credentials);
    }
    return authenticate(authorization);
  };
}

/**
 * Who is behind a request that was passed on. Anybody may lower their own rights this way; a name is taken from a
 * controller's certificate alone.
 */
function behind(fit: Identity, { certificate, onBehalfOf }: ShownProofs): Identity {
  const claimed = parseOnBehalfOf(onBehalfOf);
  if (claimed === undefined) return fit;
  const mayName =
    certificate?.kind === 'accepted' &&
    certificate.speaksForOthers === true &&
    certificate.identity === fit;
  return {
    kinds: fit.kinds,
    principal: mayName ? claimed.principal : fit.principal,
    ...(fit.role === 'read' || claimed.role === 'read' ? { role: 'read' } : {}),
  };
}

function allowed(identity: Identity, { needs = 'full' }: ClosedAccess, what: string): Identity {
  const { principal, role = 'full' } = identity;
  if (role === 'full' || needs === 'read') return identity;
  throw new ApiError(
    403,
    `Principal ${JSON.stringify(principal)} has the role ${role}, which may look but not change anything; ${what} needs the role ${needs}`,
    { extra: { role, needs } },
  );
}

const MISSING_OR_WRONG = 'Credentials are missing or wrong';

const realmOf = ({ realm, showsBearer }: ClosedAccess, takesTokens: boolean): string =>
  `Basic realm="${realm}"${takesTokens || showsBearer ? `, Bearer realm="${realm}"` : ''}`;
