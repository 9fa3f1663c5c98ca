import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** A certificate as it is kept: its name without `.pem`, and the text. */
export interface NamedPem {
  readonly name: string;
  readonly pem: string;
  /** Whence it comes, for messages. */
  readonly from: string;
}

/** Of one folder, and of the edge. */
export const MAX_CERTIFICATES = 1_000;
const MAX_BYTES = 1024 * 1024;
/** A name becomes a file name, and a word of HAProxy's list. */
export const CERTIFICATE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** A folder of `name.pem` files, read anew only when one of them has changed. */
export class CertificateFolder {
  private seen = '';
  private pems: readonly NamedPem[] = [];

  constructor(private readonly directory: string) {}

  /** Rejects when the folder cannot be read, or holds too much. */
  async read(): Promise<readonly NamedPem[]> {
    const names = (await readdir(this.directory))
      .filter((name) => name.endsWith('.pem') && CERTIFICATE_NAME.test(name.slice(0, -4)))
      .sort();
    if (names.length > MAX_CERTIFICATES) {
      throw new Error(
        `${this.directory}: ${names.length} files, at most ${MAX_CERTIFICATES} are read`,
      );
    }
    const states = await Promise.all(names.map((name) => stat(join(this.directory, name))));
    const large = names.find((_, index) => (states[index]?.size ?? 0) > MAX_BYTES);
    if (large !== undefined) throw new Error(`${large} is above ${MAX_BYTES} bytes`);
    const seen = states
      .map(({ mtimeMs, size, ino }, index) => `${names[index]} ${mtimeMs} ${size} ${ino}`)
      .join('\n');
    if (seen === this.seen) return this.pems;
    this.pems = await Promise.all(
      names.map(async (name) => ({
        name: name.replace(/\.pem$/, ''),
        pem: await readFile(join(this.directory, name), 'utf8'),
        from: join(this.directory, name),
      })),
    );
    this.seen = seen;
    return this.pems;
  }
}
