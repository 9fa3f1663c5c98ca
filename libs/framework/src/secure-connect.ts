import type { ConnectionOptions } from 'node:tls';
import { buildConnector } from 'undici';

/** Whom to trust (`ca`) and who we are (`cert` and `key`), or both as a context of Node's. */
export type TlsConnection = Pick<
  ConnectionOptions,
  'ca' | 'cert' | 'key' | 'passphrase' | 'servername' | 'secureContext'
>;

/**
 * How undici is to connect: by what `tls` says at that moment, so that certificates can be replaced. Sessions are not resumed,
 * as they would be trusted by what was trusted once. Empty without `tls`.
 */
export const connectBy = (
  tls: (() => TlsConnection) | undefined,
): { readonly connect?: buildConnector.connector } =>
  tls === undefined
    ? {}
    : {
        connect: (options, done) =>
          buildConnector({ maxCachedSessions: 0, ...tls() })(options, done),
      };
