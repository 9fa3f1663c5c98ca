import { join } from 'node:path';
import type { ControllerClient } from '../controller/controller-client.js';
import { readCertificateBundle } from '../haproxy/certificates/certificate-bundle.js';
import {
  type CertificateEntry,
  writeCertificateFiles,
} from '../haproxy/certificates/certificate-files.js';
import {
  type CertificateSync,
  readRunningCertificates,
  syncCertificates,
} from '../haproxy/certificates/sync-certificates.js';
import type { EdgeFiles } from '../haproxy/edge-files.js';
import { CERTIFICATE_NAME, CertificateFolder, type NamedPem } from './certificate-folder.js';

/** The one that answers for names without a certificate. */
const DEFAULT_NAME = 'default';

export interface EdgeCertificatesOptions {
  readonly files: Pick<EdgeFiles, 'adminSocket' | 'certificateList' | 'certificates'>;
  readonly client: Pick<ControllerClient, 'listCertificates'>;
  /** The operator's own folder of `name.pem` files. */
  readonly directory?: string;
  /** Whether there is a certificate for names without one, which is part of the structure. */
  readonly onDefault: (isThere: boolean) => void;
}

/**
 * The certificates of the edge: those of the operator's folder, and those uploaded to the controller. They are written for
 * HAProxy to start with, and changed while it runs. While the controller is away those it had last stay, also after a start.
 */
export class EdgeCertificates {
  private entries: readonly CertificateEntry[] = [];
  private uploaded: readonly NamedPem[] | undefined;
  private written = '';
  private readonly own: CertificateFolder | undefined;
  private readonly kept: CertificateFolder;
  /** Files whose change waits for a reload, or was refused, with the reason. */
  private refused: CertificateSync['refused'] = [];
  private unusable: readonly string[] = [];

  constructor(private readonly options: EdgeCertificatesOptions) {
    this.own =
      options.directory === undefined ? undefined : new CertificateFolder(options.directory);
    this.kept = new CertificateFolder(options.files.certificates);
  }

  /** Writes what was known last, so that HAProxy can start. Never rejects. */
  async start(): Promise<readonly string[]> {
    const kept = await this.kept.read().catch(() => []);
    return this.follow(kept);
  }

  /** Asks the controller, and brings HAProxy to what there is. Gives back what is wrong. */
  async refresh(): Promise<readonly string[]> {
    const problems: string[] = [];
    try {
      this.uploaded = toPems(await this.options.client.listCertificates());
    } catch (error) {
      problems.push(`reading certificates: ${messageOf(error)}`);
    }
    // Before the first answer, what was kept from before.
    const known = this.uploaded ?? (await this.kept.read().catch(() => []));
    return [...problems, ...(await this.follow(known))];
  }

  /** Brings a HAProxy that has just started to the certificates of now. Rejects with RuntimeApiError. */
  async sync(): Promise<void> {
    const { adminSocket, certificateList } = this.options.files;
    const running = await readRunningCertificates(adminSocket, certificateList);
    if (running === undefined) return;
    const done = await syncCertificates(adminSocket, this.entries, running);
    this.refused = done.refused;
  }

  private async follow(uploaded: readonly NamedPem[]): Promise<readonly string[]> {
    const problems: string[] = [];
    const own = await this.readOwn(problems);
    const names = new Set(own.map(({ name }) => name));
    const all = [...own, ...uploaded.filter(({ name }) => !names.has(name))];
    this.entries = this.toEntries(all);
    this.options.onDefault(this.entries.some(({ file }) => nameOf(file) === DEFAULT_NAME));
    try {
      await this.write();
    } catch (error) {
      problems.push(`writing certificates: ${messageOf(error)}`);
    }
    return [
      ...problems,
      ...this.unusable,
      ...this.refused.map(({ file, reason }) => `${nameOf(file)}: ${reason}`),
    ];
  }

  private async readOwn(problems: string[]): Promise<readonly NamedPem[]> {
    if (this.own === undefined) return [];
    try {
      return await this.own.read();
    } catch (error) {
      problems.push(`reading ${this.options.directory}: ${messageOf(error)}`);
      const names = new Set(this.uploaded?.map(({ name }) => name));
      return this.entries
        .map(({ file, pem }) => ({ name: nameOf(file), pem }))
        .filter(({ name }) => !names.has(name));
    }
  }

  /** The default one first, then by name: HAProxy takes the first that fits. */
  private toEntries(pems: readonly NamedPem[]): readonly CertificateEntry[] {
    const unusable: string[] = [];
    const entries = pems.flatMap(({ name, pem }): readonly CertificateEntry[] => {
      const read = readCertificateBundle(pem);
      if (read.ok) {
        const { pem: text, fingerprint } = read.bundle;
        const file = join(this.options.files.certificates, `${name}.pem`);
        return [{ file, pem: text, fingerprint, filters: [] }];
      }
      unusable.push(`certificate ${name}: ${read.reason}`);
      return [];
    });
    this.unusable = unusable;
    return entries.sort(
      (left, right) =>
        Number(nameOf(right.file) === DEFAULT_NAME) - Number(nameOf(left.file) === DEFAULT_NAME) ||
        (left.file < right.file ? -1 : 1),
    );
  }

  private async write(): Promise<void> {
    const { certificates, certificateList } = this.options.files;
    const text = this.entries.map(({ file, fingerprint }) => `${file} ${fingerprint}`).join('\n');
    const state = `${text}\n`;
    if (state === this.written) return;
    await writeCertificateFiles({ directory: certificates, list: certificateList }, this.entries);
    this.written = state;
  }
}

const toPems = (
  certificates: Awaited<ReturnType<ControllerClient['listCertificates']>>,
): readonly NamedPem[] =>
  (certificates ?? [])
    .filter(({ name }) => CERTIFICATE_NAME.test(name))
    .flatMap(({ name, pem }) => (pem === undefined ? [] : [{ name, pem }]));

const nameOf = (file: string): string =>
  file.slice(file.lastIndexOf('/') + 1).replace(/\.pem$/, '');

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
