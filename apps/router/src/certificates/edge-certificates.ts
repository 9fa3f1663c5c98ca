import type { ControllerClient } from '../controller/controller-client.js';
import { checkCertificates } from '../haproxy/certificates/certificate-check.js';
import {
  type CertificateEntry,
  writeCertificateFiles,
} from '../haproxy/certificates/certificate-files.js';
import { ServedCertificates } from '../haproxy/certificates/served-certificates.js';
import type { EdgeFiles } from '../haproxy/edge-files.js';
import { CertificateFolder, type NamedPem } from './certificate-folder.js';
import { DEFAULT_NAME, LastGoodCertificates } from './last-good-certificates.js';
import { UploadedCertificates } from './uploaded-certificates.js';

export interface EdgeCertificatesOptions {
  readonly files: Pick<EdgeFiles, 'adminSocket' | 'certificateList' | 'certificates'>;
  readonly client: Pick<ControllerClient, 'listCertificates'>;
  /** The operator's own folder of `name.pem` files. */
  readonly directory?: string;
  /** Whether there is a certificate for names without one, which is part of the structure. */
  readonly onDefault: (isThere: boolean) => void;
  /** HAProxy, as it is started. */
  readonly binary?: string;
  /** Some certificates are served only after a reload. */
  readonly onReload: () => void;
  /** So many were not in HAProxy as they had been left there. */
  readonly onDrift: (certificates: number) => void;
}

/**
 * The certificates of the edge: those of the operator's folder, and those uploaded to the controller. They are written for
 * HAProxy to start with, and changed while it runs. While the controller is away those it had last stay, also after a start.
 */
export class EdgeCertificates {
  private readonly good: LastGoodCertificates;
  private readonly uploaded: UploadedCertificates;
  private readonly served: ServedCertificates;
  private written = '';
  /** Another one whenever the certificates are others. */
  revision = 0;
  private readonly own: CertificateFolder | undefined;

  constructor(private readonly options: EdgeCertificatesOptions) {
    this.own =
      options.directory === undefined ? undefined : new CertificateFolder(options.directory);
    const { certificates: directory } = options.files;
    this.uploaded = new UploadedCertificates({ client: options.client, directory });
    this.good = new LastGoodCertificates({
      directory,
      check: (entries) =>
        checkCertificates(entries, { directory: `${directory}.check`, binary: options.binary }),
    });
    this.served = new ServedCertificates(options.files);
  }

  /** Writes what was known last, so that HAProxy can start. Never rejects. */
  async start(): Promise<readonly string[]> {
    // What is half written now was whole in the life before.
    const kept = await this.uploaded.recall();
    const lost = await this.good.take(kept);
    return [...lost, ...(await this.follow())];
  }

  /** Asks the controller, looks into the folder, and writes what there is. Gives back what is wrong. */
  async refresh(): Promise<readonly string[]> {
    return [...(await this.uploaded.refresh()), ...(await this.follow())];
  }

  /** Brings HAProxy to them. Gives back what it would not take. Rejects with RuntimeApiError. */
  async sync(): Promise<readonly string[]> {
    const { entries } = this.good;
    const isOnDisk = this.written === toState(entries);
    const done = await this.served.sync(entries, { isOnDisk });
    if (done.drift > 0) this.options.onDrift(done.drift);
    if (done.isReloadDue) this.options.onReload();
    return done.refused.map(({ file, reason }) => `certificate ${nameOf(file)}: ${reason}`);
  }

  private async follow(): Promise<readonly string[]> {
    const problems: string[] = [];
    const own = await this.readOwn(problems);
    const names = new Set(own.map(({ name }) => name));
    const unusable = await this.good.take([
      ...own,
      ...this.uploaded.pems.filter(({ name }) => !names.has(name)),
    ]);
    const { entries } = this.good;
    this.options.onDefault(entries.some(({ file }) => nameOf(file) === DEFAULT_NAME));
    try {
      await this.write();
    } catch (error) {
      problems.push(`writing certificates: ${messageOf(error)}`);
    }
    return [...problems, ...unusable];
  }

  private async readOwn(problems: string[]): Promise<readonly NamedPem[]> {
    if (this.own === undefined) return [];
    try {
      return await this.own.read();
    } catch (error) {
      problems.push(`reading ${this.options.directory}: ${messageOf(error)}`);
      const names = new Set(this.uploaded.pems.map(({ name }) => name));
      return this.good.entries
        .map(({ file, pem }) => ({ name: nameOf(file), pem, from: file }))
        .filter(({ name }) => !names.has(name));
    }
  }

  private async write(): Promise<void> {
    const { entries } = this.good;
    const { certificates, certificateList } = this.options.files;
    const state = toState(entries);
    if (state !== this.written) {
      await writeCertificateFiles({ directory: certificates, list: certificateList }, entries);
      this.written = state;
      this.revision += 1;
    }
    await this.uploaded.record();
  }
}

const toState = (entries: readonly CertificateEntry[]): string =>
  `${entries.map(({ file, digest }) => `${file} ${digest}`).join('\n')}\n`;

const nameOf = (file: string): string =>
  file.slice(file.lastIndexOf('/') + 1).replace(/\.pem$/, '');

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
