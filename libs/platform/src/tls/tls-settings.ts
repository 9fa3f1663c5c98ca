import { ConfigError, parsed, readConfig, text } from '../read-config.js';

const CLIENT_CERTIFICATES = ['off', 'request', 'require'] as const;
/** Whether those who connect are asked for a certificate, and whether they must have one. */
export type ClientCertificates = (typeof CLIENT_CERTIFICATES)[number];

/** The four settings. An empty path: not set. */
export interface TlsSettings {
  /** The certificate, with its chain: of the server, and as a client. */
  readonly certFile: string;
  readonly keyFile: string;
  /** Who may have signed the certificates of others, servers and clients; absent: for servers, those Node.js knows. */
  readonly caFile: string;
  readonly clientCertificates: ClientCertificates;
}

/** Reads the settings; undefined when none is set. Throws {@link ConfigError} for a combination that cannot work. */
export function readTlsSettings(
  source: Parameters<typeof readConfig>[1] = {},
): TlsSettings | undefined {
  const settings = readConfig(
    {
      certFile: text('PACER_TLS_CERT_FILE', ''),
      keyFile: text('PACER_TLS_KEY_FILE', ''),
      caFile: text('PACER_TLS_CA_FILE', ''),
      clientCertificates: parsed<ClientCertificates>(
        'PACER_TLS_CLIENT_CERTS',
        parseClientCertificates,
        'off',
      ),
    },
    source,
  );
  const { certFile, keyFile, caFile, clientCertificates } = settings;
  if ((certFile === '') !== (keyFile === '')) {
    const [set, missing] = certFile === '' ? ['KEY', 'CERT'] : ['CERT', 'KEY'];
    throw new ConfigError(`PACER_TLS_${set}_FILE is set without PACER_TLS_${missing}_FILE`);
  }
  if (clientCertificates !== 'off' && (certFile === '' || caFile === '')) {
    const missing = certFile === '' ? 'PACER_TLS_CERT_FILE' : 'PACER_TLS_CA_FILE';
    throw new ConfigError(
      `PACER_TLS_CLIENT_CERTS: "${clientCertificates}" needs ${missing} to be set`,
    );
  }
  return certFile === '' && caFile === '' ? undefined : settings;
}

/** How a daemon with these settings is spoken to. */
export const schemeOf = (settings: TlsSettings | undefined): 'http' | 'https' =>
  settings === undefined || settings.certFile === '' ? 'http' : 'https';

/** Where a daemon of the same settings on the same machine is, unless somebody says otherwise. */
export const localUrl = (port: number, source: Parameters<typeof readConfig>[1] = {}): string =>
  `${schemeOf(readTlsSettings(source))}://127.0.0.1:${port}`;

function parseClientCertificates(given: string): ClientCertificates {
  const found = CLIENT_CERTIFICATES.find((one) => one === given);
  if (found === undefined) throw new Error(`is none of ${CLIENT_CERTIFICATES.join(', ')}`);
  return found;
}
