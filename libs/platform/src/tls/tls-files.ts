import type { SecureContext, TlsOptions } from 'node:tls';
import { FileWatch } from '../file-watch.js';
import { describeExpiry } from './certificate-expiry.js';
import { readTlsMaterial, type TlsMaterial } from './tls-material.js';
import type { TlsSettings } from './tls-settings.js';

export type TlsLog = (level: 'info' | 'warn', message: string) => void;

const HANDSHAKE_LIMIT_MS = 10_000;
const REMIND_EVERY_MS = 24 * 60 * 60_000;

/**
 * Certificates and key from files, and what replaces them while we run. New connections use what the files held last;
 * what cannot be used (half written, a pair that does not match, readable by others) is told, and the former kept.
 */
export class TlsFiles {
  /** Replacements taken and refused, since the start. */
  readonly reloads = { taken: 0, refused: 0 };
  private material: TlsMaterial;
  private readonly watch: FileWatch;
  private readonly reminder: NodeJS.Timeout;
  private readonly listeners = new Set<() => void>();

  /** Throws ConfigError for files that cannot be used. */
  constructor(
    readonly settings: TlsSettings,
    private readonly log: TlsLog,
  ) {
    this.material = readTlsMaterial(settings);
    const { certFile, keyFile, caFile } = settings;
    const paths = [certFile, keyFile, caFile].filter((path) => path !== '');
    this.watch = new FileWatch(paths, () => this.reload());
    this.reminder = setInterval(() => this.remindOfExpiry(), REMIND_EVERY_MS).unref();
    this.remindOfExpiry();
  }

  /** For a connection made now. */
  get context(): SecureContext {
    return this.material.context;
  }

  /** When our own certificate ends; undefined without one. */
  get notAfterEpochMs(): number | undefined {
    const { certificate } = this.material;
    return certificate === undefined ? undefined : Date.parse(certificate.validTo);
  }

  /** Of a server; undefined without a certificate of our own. */
  get serverOptions(): TlsOptions | undefined {
    const { certFile, clientCertificates } = this.settings;
    if (certFile === '') return undefined;
    return {
      ...this.material.options,
      handshakeTimeout: HANDSHAKE_LIMIT_MS,
      requestCert: clientCertificates !== 'off',
      rejectUnauthorized: clientCertificates === 'require',
    };
  }

  /** Keeps a server that was made of `serverOptions` at what the files hold, until it closes. */
  serve(server: {
    setSecureContext(options: TlsOptions): void;
    once(event: 'close', listener: () => void): unknown;
  }): void {
    const renew = () => server.setSecureContext(this.material.options);
    renew();
    this.listeners.add(renew);
    server.once('close', () => this.listeners.delete(renew));
  }

  close(): void {
    this.watch.close();
    clearInterval(this.reminder);
  }

  private reload(): void {
    try {
      const material = readTlsMaterial(this.settings);
      if (material.digest === this.material.digest) return;
      this.material = material;
      for (const listener of this.listeners) listener();
      this.reloads.taken += 1;
      const { certificate } = material;
      const until = certificate === undefined ? '' : `, valid until ${certificate.validTo}`;
      this.log('info', `the TLS files have changed: new connections use them${until}`);
      this.remindOfExpiry();
    } catch (error) {
      this.reloads.refused += 1;
      this.log('warn', `the TLS files have changed, but the former go on: ${String(error)}`);
    }
  }

  private remindOfExpiry(): void {
    const { certificate } = this.material;
    const message = certificate && describeExpiry(certificate, Date.now());
    if (message !== undefined) this.log('warn', message);
  }
}
