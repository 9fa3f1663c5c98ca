import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { processTls } from '#platform';
import { CertificateAuthority, type CertificateFiles } from './certificates.js';

/** This process under TLS, with a certificate of an authority of its own. */
export interface SecureProcess {
  readonly ca: CertificateAuthority;
  readonly files: CertificateFiles;
  close(): void;
}

/** Sets this process up as a daemon of that name is: what it starts and asks from now on speaks TLS, until it is closed. */
export function becomeSecure(
  name: string,
  options: {
    readonly kinds?: readonly string[];
    readonly clientCerts?: 'require' | 'request';
  } = {},
): SecureProcess {
  const folder = mkdtempSync(join(tmpdir(), 'pacer-secure-'));
  const ca = new CertificateAuthority(join(folder, 'ca'));
  const { kinds, clientCerts } = options;
  const files = ca.issue(name, kinds === undefined ? {} : { kinds });
  vi.stubEnv('PACER_TLS_CERT_FILE', files.cert);
  vi.stubEnv('PACER_TLS_KEY_FILE', files.key);
  vi.stubEnv('PACER_TLS_CA_FILE', ca.cert);
  if (clientCerts !== undefined) vi.stubEnv('PACER_TLS_CLIENT_CERTS', clientCerts);
  return {
    ca,
    files,
    close: () => {
      processTls()?.close();
      vi.unstubAllEnvs();
      rmSync(folder, { recursive: true });
    },
  };
}
