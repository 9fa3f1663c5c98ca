import { toCliWord } from '../edge-commands.js';
import { runCommands } from '../runtime-socket.js';
import { MAX_RUNTIME_PEM_BYTES } from './certificate-bundle.js';
import { type CertificateEntry, toListLine } from './certificate-files.js';
import { runPayloadCommand } from './payload-command.js';
import { fingerprintIn, type RunningCertificates } from './running-certificates.js';

export interface CertificateSync {
  readonly added: readonly string[];
  readonly replaced: readonly string[];
  readonly removed: readonly string[];
  /** Those HAProxy goes on without, or with the one it had. */
  readonly refused: readonly RefusedCertificate[];
}

export interface RefusedCertificate {
  readonly file: string;
  readonly reason: string;
  /** It is taken when HAProxy reads its files anew. */
  readonly needsReload: boolean;
}

/** A worker's certificates, with what is known of their whole text: file -> its digest. */
export type KnownCertificates = RunningCertificates & {
  readonly digests: ReadonlyMap<string, string>;
};

/**
 * Brings a running HAProxy to the certificates wanted, without a reload: changed ones are replaced, new ones added, those no
 * longer wanted removed, in this order, so that no name is without one in between. Without the list only those are replaced
 * that something else of the configuration uses. One that is refused leaves the one before in place, and no transaction open.
 * Rejects with RuntimeApiError when HAProxy does not answer.
 */
export async function syncCertificates(
  socket: string,
  wanted: readonly CertificateEntry[],
  have: KnownCertificates,
): Promise<CertificateSync> {
  const added: string[] = [];
  const replaced: string[] = [];
  const refused: RefusedCertificate[] = [];
  const listed = new Set(have.lines?.map(keyOf));
  for (const entry of wanted) {
    const isLoaded = have.prints.has(entry.file);
    const isListed = have.lines === undefined || listed.has(keyOf(entry));
    if ((isServed(entry, have) && isListed) || (!isLoaded && have.lines === undefined)) continue;
    const refusal = await put(socket, entry, { have, isListed });
    if (refusal !== undefined) refused.push(refusal);
    else (isLoaded ? replaced : added).push(entry.file);
  }
  const kept = new Set(refused.map(({ file }) => file));
  const removed = await removeOthers(socket, have, { wanted, kept });
  return { added, replaced, removed, refused };
}

/** Whether HAProxy has it, the whole of it. */
const isServed = (
  { file, digest, fingerprint }: CertificateEntry,
  { digests, prints }: KnownCertificates,
): boolean => digests.get(file) === digest && fingerprintIn(prints.get(file)) === fingerprint;

async function removeOthers(
  socket: string,
  { list, lines = [] }: KnownCertificates,
  { wanted, kept }: { wanted: readonly CertificateEntry[]; kept: ReadonlySet<string> },
): Promise<readonly string[]> {
  const removed: string[] = [];
  const keys = new Set(wanted.map(keyOf));
  const files = new Set(wanted.map(({ file }) => file));
  for (const line of lines) {
    if (keys.has(keyOf(line)) || kept.has(line.file)) continue;
    await ask(socket, `del ssl crt-list ${toCliWord(list)} ${line.file}:${line.line}`);
    if (files.has(line.file)) continue;
    const answer = await ask(socket, `del ssl cert ${line.file}`);
    // In use by a further line, which is removed next.
    if (/deleted!/.test(answer)) removed.push(line.file);
  }
  return removed;
}

const keyOf = ({ file, filters }: Pick<CertificateEntry, 'file' | 'filters'>): string =>
  `${file} ${filters.join(' ')}`;

/** What HAProxy has against it; undefined: it took it. */
async function put(
  socket: string,
  entry: CertificateEntry,
  { have, isListed }: { readonly have: KnownCertificates; readonly isListed: boolean },
): Promise<RefusedCertificate | undefined> {
  const { file, pem } = entry;
  const bytes = Buffer.byteLength(pem);
  if (bytes > MAX_RUNTIME_PEM_BYTES) {
    const reason = `${bytes} bytes are above the ${MAX_RUNTIME_PEM_BYTES} HAProxy takes at run time; it is served after a reload`;
    return { file, reason, needsReload: true };
  }
  const isLoaded = have.prints.has(file);
  const refuse = async (reason: string): Promise<RefusedCertificate> => {
    if (!isLoaded) await ask(socket, `del ssl cert ${file}`);
    return { file, reason, needsReload: false };
  };
  if (!isLoaded) {
    const answer = await ask(socket, `new ssl cert ${file}`);
    // Left behind by one who did not come to the end.
    if (!/New empty certificate store/.test(answer) && !/already exists/.test(answer)) {
      return { file, reason: answer, needsReload: false };
    }
  }
  const reason = isServed(entry, have) ? undefined : await change(socket, { file, pem });
  if (reason !== undefined) return refuse(reason);
  if (isListed) return undefined;
  const command = `add ssl crt-list ${toCliWord(have.list)}`;
  const answer = await runPayloadCommand(socket, command, toListLine(entry));
  return /Success!/.test(answer) ? undefined : refuse(answer);
}

async function change(
  socket: string,
  { file, pem }: Pick<CertificateEntry, 'file' | 'pem'>,
): Promise<string | undefined> {
  // Somebody else's transaction on another file would make ours fail, and so would our own of before.
  const [open = ''] = await runCommands(socket, ['show ssl cert']);
  const other = /^\*(\S+)$/m.exec(open)?.[1];
  if (other !== undefined) await ask(socket, `abort ssl cert ${other}`);
  const taken = await runPayloadCommand(socket, `set ssl cert ${file}`, pem);
  if (!/Transaction (?:created|updated)/.test(taken)) {
    await ask(socket, `abort ssl cert ${file}`);
    return taken;
  }
  const committed = await ask(socket, `commit ssl cert ${file}`);
  if (/Success!/.test(committed)) return undefined;
  await ask(socket, `abort ssl cert ${file}`);
  return committed;
}

/** `commit` answers in steps, some with prompts between; only its whole answer tells. */
const ask = (socket: string, command: string): Promise<string> =>
  runPayloadCommand(socket, command, undefined);
