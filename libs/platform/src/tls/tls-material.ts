import { createHash, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import { ConfigError } from '../read-config.js';
import { readSecretFile, readSmallFile } from '../secret-file.js';
import type { TlsSettings } from './tls-settings.js';

/** What the files hold, checked: it can be used as it is. */
export interface TlsMaterial {
  readonly options: SecureContextOptions;
  readonly context: SecureContext;
  /** Our own certificate. */
  readonly certificate: X509Certificate | undefined;
  /** Changes with the content of the files. */
  readonly digest: string;
}

/** Forward secret and authenticated ones only, the first three of TLS 1.3. */
const CIPHERS = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');
const BEGIN = '-----BEGIN CERTIFICATE-----';
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Reads and checks all files. Throws {@link ConfigError} naming setting, file and what is wrong; no key is in it. */
export function readTlsMaterial(settings: TlsSettings): TlsMaterial {
  const { certFile, keyFile, caFile } = settings;
  const ca = caFile === '' ? undefined : readChain('PACER_TLS_CA_FILE', caFile);
  const own = certFile === '' ? undefined : readChain('PACER_TLS_CERT_FILE', certFile);
  const key = own === undefined ? undefined : readKey(keyFile);
  if (own !== undefined && key !== undefined && !own.first.checkPrivateKey(key.object)) {
    throw new ConfigError(
      `PACER_TLS_KEY_FILE: "${keyFile}" is not the key of the certificate in "${certFile}"`,
    );
  }
  const options: SecureContextOptions = {
    minVersion: 'TLSv1.2',
    ciphers: CIPHERS,
    ...(ca === undefined ? {} : { ca: [...ca.blocks] }),
    ...(own === undefined || key === undefined ? {} : { cert: own.text, key: key.text }),
  };
  const digest = createHash('sha256')
    .update(JSON.stringify([ca?.text, own?.text, key?.text]))
    .digest('hex');
  return { options, context: toContext(options), certificate: own?.first, digest };
}

function readChain(variable: string, path: string) {
  return explained(variable, path, () => {
    const text = readSmallFile(path);
    const blocks: readonly string[] = text.match(CERTIFICATE) ?? [];
    if (blocks.length !== text.split(BEGIN).length - 1) throw new Error('ends in a certificate');
    const [first] = blocks.map((block) => new X509Certificate(block));
    if (first === undefined) throw new Error('holds no certificate in PEM');
    return { text, blocks, first };
  });
}

function readKey(path: string): { readonly text: string; readonly object: KeyObject } {
  return explained('PACER_TLS_KEY_FILE', path, () => {
    const text = readSecretFile(path);
    try {
      return { text, object: createPrivateKey(text) };
    } catch {
      throw new Error('holds no private key in PEM, or one with a passphrase');
    }
  });
}

function toContext(options: SecureContextOptions): SecureContext {
  try {
    return createSecureContext(options);
  } catch (error) {
    throw new ConfigError(`the TLS files cannot be used: ${(error as Error).message}`);
  }
}

function explained<Value>(variable: string, path: string, read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError(`${variable}: ${JSON.stringify(path)} ${reason}`);
  }
}
