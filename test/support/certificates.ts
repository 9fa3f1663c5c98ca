import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority of its own in a folder, by the system's openssl. */
export class CertificateAuthority {
  readonly cert: string;
  private readonly key: string;
  private issued = 0;

  constructor(private readonly folder: string) {
    mkdirSync(folder, { recursive: true });
    this.cert = join(folder, 'ca.crt');
    this.key = join(folder, 'ca.key');
    if (existsSync(this.cert)) return;
    this.openssl(
      ...['req', '-x509', ...NEW_KEY, '-keyout', this.key, '-out', this.cert, '-days', '30'],
      ...['-subj', '/CN=Pacer test CA', '-addext', 'basicConstraints=critical,CA:TRUE'],
    );
  }

  /** A certificate for 127.0.0.1 and localhost, or for `hosts`. `kinds` become organizational units; `days` may be negative. */
  issue(
    name: string,
    options: {
      readonly kinds?: readonly string[];
      readonly hosts?: readonly string[];
      readonly days?: number;
      readonly files?: CertificateFiles;
    } = {},
  ): CertificateFiles {
    this.issued += 1;
    const base = join(this.folder, `${name}-${this.issued}`);
    const fresh = { cert: `${base}.crt`, key: `${base}.key` };
    const extensions = `${base}.cnf`;
    const subject = [...(options.kinds ?? []).map((kind) => `/OU=${kind}`), `/CN=${name}`];
    const names = options.hosts?.map((host) => `DNS:${host}`) ?? ['IP:127.0.0.1', 'DNS:localhost'];
    writeFileSync(
      extensions,
      `subjectAltName=${names.join(',')}\nextendedKeyUsage=serverAuth,clientAuth\n`,
    );
    const request = `${base}.csr`;
    this.openssl(
      ...['req', '-new', ...NEW_KEY, '-keyout', fresh.key, '-out', request],
      ...['-subj', subject.join('')],
    );
    this.openssl(
      ...['x509', '-req', '-in', request, '-CA', this.cert, '-CAkey', this.key, '-CAcreateserial'],
      ...['-extfile', extensions, '-days', String(options.days ?? 30), '-out', fresh.cert],
    );
    chmodSync(fresh.key, 0o600);
    if (options.files === undefined) return fresh;
    renameSync(fresh.key, options.files.key);
    renameSync(fresh.cert, options.files.cert);
    return options.files;
  }

  /** Certificate and key in one text, as HAProxy reads them. */
  issuePem(name: string, hosts: readonly string[]): string {
    const { cert, key } = this.issue(name, { hosts });
    return readFileSync(cert, 'utf8') + readFileSync(key, 'utf8');
  }

  private openssl(...args: readonly string[]): void {
    execFileSync('openssl', args, { stdio: 'pipe' });
  }
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'] as const;
