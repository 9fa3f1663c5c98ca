import { toCliWord } from '../edge-commands.js';
import { parseWorkerPid } from '../read-state.js';
import { RuntimeApiError, runCommands } from '../runtime-socket.js';
import type { CertificateEntry } from './certificate-files.js';

/** What a worker of HAProxy has of some certificates, as it tells itself. */
export interface RunningCertificates {
  readonly worker: {
    readonly pid: number;
    /** Unix ms, rounded down to a second: before it read its first file. */
    readonly startedAtMs: number;
  };
  /** The crt-list file, as the configuration names it. */
  readonly list: string;
  /** Lines of the list; undefined: the configuration has no such list. */
  readonly lines: readonly ListLine[] | undefined;
  /** Loaded file -> all HAProxy tells of its certificate; empty: there is none in it. It does not tell the whole chain. */
  readonly prints: ReadonlyMap<string, string>;
}

export interface ListLine extends Pick<CertificateEntry, 'file' | 'filters'> {
  readonly line: number;
}

/** Certificates asked for over one connection. */
const BATCH = 100;
/** What changes though the certificate does not. */
const UNSTEADY_LINE = /^(?:Filename|Status|OCSP[^:]*):/;

/**
 * Reads what HAProxy has of a crt-list, and of `files` wherever its configuration uses them. Rejects with RuntimeApiError.
 * O(certificates).
 */
export async function readRunningCertificates(
  socket: string,
  list: string,
  files: readonly string[],
): Promise<RunningCertificates> {
  const [info = '', all = '', listed = ''] = await runCommands(socket, [
    'show info',
    'show ssl cert',
    `show ssl crt-list -n ${toCliWord(list)}`,
  ]);
  const pid = parseWorkerPid(info);
  if (pid === undefined) throw new RuntimeApiError(`${socket}: a worker without a process id`);
  const startedAtMs = Number(/^Start_time_sec: (\d+)$/m.exec(info)?.[1] ?? 0) * 1_000;
  const lines = listed.startsWith('# ') ? parseLines(listed) : undefined;
  const loaded = new Set(all.split('\n').map((line) => line.trim()));
  const asked = [...new Set([...files, ...(lines ?? []).map(({ file }) => file)])].filter((file) =>
    loaded.has(file),
  );
  return {
    ...{ worker: { pid, startedAtMs }, list, lines },
    prints: await readPrints(socket, asked),
  };
}

async function readPrints(
  socket: string,
  files: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const prints = new Map<string, string>();
  for (let at = 0; at < files.length; at += BATCH) {
    const batch = files.slice(at, at + BATCH);
    const answers = await runCommands(
      socket,
      batch.map((file) => `show ssl cert ${file}`),
    );
    for (const [index, file] of batch.entries()) prints.set(file, toPrint(answers[index] ?? ''));
  }
  return prints;
}

const toPrint = (answer: string): string =>
  answer
    .split('\n')
    .filter((line) => line !== '' && !UNSTEADY_LINE.test(line))
    .join('\n');

const parseLines = (answer: string): readonly ListLine[] =>
  answer
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

/** SHA-1 of the first certificate, hexadecimal; undefined: there is none. */
export const fingerprintIn = (print: string | undefined): string | undefined =>
  /^SHA1 FingerPrint: ([0-9A-F]+)$/m.exec(print ?? '')?.[1];
