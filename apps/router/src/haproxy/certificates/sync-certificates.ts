import { toCliWord } from '../edge-commands.js';
import { runCommands } from '../runtime-socket.js';
import { MAX_RUNTIME_PEM_BYTES } from './certificate-bundle.js';
import { type CertificateEntry, toListLine } from './certificate-files.js';
import { runPayloadCommand } from './payload-command.js';

/** What a running HAProxy has of one list. */
export interface RunningCertificates {
  /** The crt-list file, as the configuration names it. */
  readonly list: string;
  /** File -> SHA-1 of the certificate, hexadecimal. */
  readonly fingerprints: ReadonlyMap<string, string>;
  /** Lines of the list. */
  readonly entries: readonly {
    readonly file: string;
    readonly line: number;
    readonly filters: readonly string[];
  }[];
}

export interface CertificateSync {
  readonly added: readonly string[];
  readonly replaced: readonly string[];
  readonly removed: readonly string[];
  /** Those HAProxy goes on without, or with the one it had. */
  readonly refused: readonly { readonly file: string; readonly reason: string }[];
}

/** Reads what HAProxy has of a crt-list; undefined: it has no such list. Rejects with RuntimeApiError. */
export async function readRunningCertificates(
  socket: string,
  list: string,
): Promise<RunningCertificates | undefined> {
  const [answer = ''] = await runCommands(socket, [`show ssl crt-list -n ${toCliWord(list)}`]);
  if (!answer.startsWith('# ')) return undefined;
  const entries = answer
    .split('\n')
    .slice(1)
    .flatMap((text) => {
      const [, file, line, rest = ''] = /^(\S+):(\d+)(.*)$/.exec(text) ?? [];
      const filters = rest
        .replace(/\[[^\]]*\]/, '')
        .split(' ')
        .filter((word) => word !== '');
      return file === undefined ? [] : [{ file, line: Number(line), filters }];
    });
  const files = [...new Set(entries.map(({ file }) => file))];
  const details = await runCommands(
    socket,
    files.map((file) => `show ssl cert ${file}`),
  );
  const fingerprints = files.map((file, index) => {
    const print = /^SHA1 FingerPrint: ([0-9A-F]+)$/m.exec(details[index] ?? '')?.[1];
    return [file, print ?? ''] as const;
  });
  return { list, fingerprints: new Map(fingerprints), entries };
}

/**
 * Brings a running HAProxy to the certificates wanted, without a reload: changed ones are replaced, new ones added, those no
 * longer wanted removed, in this order, so that no name is without one in between. One that is refused leaves the one before
 * in place, and no transaction open. Rejects with RuntimeApiError when HAProxy does not answer.
 */
export async function syncCertificates(
  socket: string,
  wanted: readonly CertificateEntry[],
  have: RunningCertificates,
): Promise<CertificateSync> {
  const added: string[] = [];
  const replaced: string[] = [];
  const removed: string[] = [];
  const refused: { file: string; reason: string }[] = [];
  for (const entry of wanted) {
    const known = have.fingerprints.get(entry.file);
    const isListed = have.entries.some((line) => isSameEntry(line, entry));
    if (known === entry.fingerprint && isListed) continue;
    const reason = await put(socket, entry, { list: have.list, known, isListed });
    if (reason !== undefined) refused.push({ file: entry.file, reason });
    else (known === undefined ? added : replaced).push(entry.file);
  }
  const isKept = new Set(refused.map(({ file }) => file));
  for (const line of have.entries) {
    const isWanted = wanted.some((entry) => isSameEntry(line, entry));
    if (isWanted || isKept.has(line.file)) continue;
    await ask(socket, `del ssl crt-list ${toCliWord(have.list)} ${line.file}:${line.line}`);
    if (wanted.some(({ file }) => file === line.file)) continue;
    const answer = await ask(socket, `del ssl cert ${line.file}`);
    // In use by a further line, which is removed next.
    if (/deleted!/.test(answer)) removed.push(line.file);
  }
  return { added, replaced, removed, refused };
}

const isSameEntry = (
  left: Pick<CertificateEntry, 'file' | 'filters'>,
  right: Pick<CertificateEntry, 'file' | 'filters'>,
): boolean => left.file === right.file && left.filters.join(' ') === right.filters.join(' ');

/** Why HAProxy did not take it; undefined: it did. */
async function put(
  socket: string,
  entry: CertificateEntry,
  { list, known, isListed }: { list: string; known: string | undefined; isListed: boolean },
): Promise<string | undefined> {
  const { file, pem, fingerprint } = entry;
  const bytes = Buffer.byteLength(pem);
  if (bytes > MAX_RUNTIME_PEM_BYTES) {
    return `${bytes} bytes are above the ${MAX_RUNTIME_PEM_BYTES} HAProxy takes at run time; it is served after a reload`;
  }
  if (known === undefined) {
    const answer = await ask(socket, `new ssl cert ${file}`);
    // Left behind by one who did not come to the end.
    if (!/New empty certificate store/.test(answer) && !/already exists/.test(answer))
      return answer;
  }
  const reason = known === fingerprint ? undefined : await change(socket, { file, pem });
  if (reason !== undefined) {
    if (known === undefined) await ask(socket, `del ssl cert ${file}`);
    return reason;
  }
  if (isListed) return undefined;
  const answer = await runPayloadCommand(
    socket,
    `add ssl crt-list ${toCliWord(list)}`,
    toListLine(entry),
  );
  if (/Success!/.test(answer)) return undefined;
  if (known === undefined) await ask(socket, `del ssl cert ${file}`);
  return answer;
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
