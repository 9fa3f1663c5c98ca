import { chmod, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { replaceFile } from '../edge-files.js';

/** One line of a crt-list. */
export interface CertificateEntry {
  /** Absolute path; no blank, no line break. */
  readonly file: string;
  /** Chain and key, see {@link CertificateBundle}. */
  readonly pem: string;
  readonly fingerprint: string;
  readonly digest: string;
  /** Names it is served for; none: those in it. */
  readonly filters: readonly string[];
}

const PRIVATE_DIRECTORY = 0o700;
const PRIVATE_FILE = 0o600;
const SAFE_WORD = /^[^\s"'\\#[\]]+$/;

/** The line of a crt-list for an entry. Throws RangeError for words it cannot hold. */
export function toListLine({ file, filters }: Pick<CertificateEntry, 'file' | 'filters'>): string {
  for (const word of [file, ...filters]) {
    if (!SAFE_WORD.test(word)) {
      throw new RangeError(`${JSON.stringify(word)} cannot be in a list of certificates`);
    }
  }
  return [file, ...filters].join(' ');
}

/** The text of a crt-list. The first entry answers clients that name no host. */
export const renderCertificateList = (
  entries: readonly Pick<CertificateEntry, 'file' | 'filters'>[],
): string => entries.map((entry) => `${toListLine(entry)}\n`).join('');

/** What is there already is not written again: its time tells since when a worker may have it. */
async function writeFile(path: string, text: string): Promise<void> {
  if ((await readFile(path, 'utf8').catch(() => undefined)) !== text) await replaceFile(path, text);
}

/**
 * Writes certificates (for their owner only, each replaced as a whole), then the list, and then removes what is in `directory`
 * and not in the list any more: at no moment does the list name a file that is not there.
 */
export async function writeCertificateFiles(
  paths: { readonly directory: string; readonly list: string },
  entries: readonly CertificateEntry[],
): Promise<void> {
  await mkdir(paths.directory, { recursive: true, mode: PRIVATE_DIRECTORY });
  for (const { file, pem } of entries) {
    await writeFile(file, pem);
    await chmod(file, PRIVATE_FILE);
  }
  await writeFile(paths.list, renderCertificateList(entries));
  const kept = new Set(entries.map(({ file }) => file));
  for (const name of await readdir(paths.directory)) {
    const file = join(paths.directory, basename(name));
    if (name.endsWith('.pem') && !kept.has(file)) await rm(file, { force: true });
  }
}
