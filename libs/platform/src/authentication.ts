import type { Access } from './access.js';
import { type AgentTokens, isBearer } from './agent-tokens.js';
import { ApiError } from './api-error.js';
import { type Credential, createAuthenticator, type Identity } from './credentials.js';
import type { ClientCertificate } from './tls/client-certificate.js';
import type { ClientCertificates } from './tls/tls-settings.js';

/** By what somebody can prove who they are. */
export interface Proofs {
  /** By HTTP Basic. */
  readonly credentials: readonly Credential[];
  /** By certificates of TLS clients, unless `off`. */
  readonly clientCertificates?: ClientCertificates;
  /** By bearer tokens, agents only. */
  readonly agentTokens?: AgentTokens | undefined;
}

export interface ShownProofs {
  readonly authorization: string | undefined;
  readonly certificate: ClientCertificate | undefined;
}

type ClosedAccess = Extract<Access, { readonly kind: 'closed' }>;

/** Whether everybody of whom something could be asked is asked. Tokens alone are no proof for anybody but agents. */
export const asksEverybody = ({ credentials, clientCertificates = 'off' }: Proofs): boolean =>
  credentials.length > 0 || clientCertificates !== 'off';

/**
 * Makes what tells the principal behind a request, of those who may do what it asks for; undefined where nobody is asked.
 * Either proof will do, but one that is wrong is refused whatever the other says. Throws {@link ApiError}: 401 for
 * missing or wrong proofs, 403 for right ones of another kind.
 */
export function createAuthentication(
  proofs: Proofs,
): (shown: ShownProofs, access: ClosedAccess, what: string) => string | undefined {
  const authenticate = createAuthenticator(proofs.credentials);
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
      const identity = isToken ? agentTokens?.identify(authorization) : authenticate(authorization);
      if (identity === undefined) {
        throw challenge(isToken ? 'The token is not accepted here' : MISSING_OR_WRONG);
      }
      identities.push(identity);
    }
    if (certificate?.kind === 'refused') throw challenge(certificate.reason);
    if (certificate !== undefined) identities.push(certificate.identity);
    const fit = identities.find(({ kinds }) => access.to.some((kind) => kinds.has(kind)));
    if (fit !== undefined) return fit.principal;
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

const MISSING_OR_WRONG = 'Credentials are missing or wrong';

const realmOf = ({ realm }: ClosedAccess, takesTokens: boolean): string =>
  `Basic realm="${realm}"${takesTokens ? `, Bearer realm="${realm}"` : ''}`;
