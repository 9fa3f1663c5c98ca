import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { validateConfig } from '../validate-config.js';
import { type CertificateEntry, renderCertificateList } from './certificate-files.js';

/** What HAProxy said of certificates. */
export interface CertificateVerdicts {
  /** Digest -> why HAProxy would not start with it. */
  readonly refused: ReadonlyMap<string, string>;
  /** Digests it was not asked for any more: there were too many it refuses. */
  readonly unjudged: ReadonlySet<string>;
}

/** Of one check. To find one among 1,000 takes 20. */
const MAX_RUNS = 100;
const PRIVATE_DIRECTORY = 0o700;
const PRIVATE_FILE = 0o600;

/**
 * Asks HAProxy (`-c`) whether it would start with certificates: one it refuses, for a key that is too short or a digest that
 * is too weak, would keep it from every reload. Where it cannot be asked, as it is not there or the disk is full, nothing is
 * refused. Never rejects; `directory` is made for it and removed. One run where all are good.
 */
export async function checkCertificates(
  entries: readonly CertificateEntry[],
  options: { readonly directory: string; readonly binary?: string | undefined },
): Promise<CertificateVerdicts> {
  const refused = new Map<string, string>();
  const unjudged = new Set<string>();
  const { directory } = options;
  const files = entries.map((entry) => ({
    ...entry,
    file: join(directory, `${entry.digest}.pem`),
    filters: [],
  }));
  let runs = 0;
  const judge = async (some: typeof files): Promise<void> => {
    if (some.length === 0) return;
    if (runs >= MAX_RUNS) {
      for (const { digest } of some) unjudged.add(digest);
      return;
    }
    runs += 1;
    const reason = await explainRefusal(some, options);
    if (reason === undefined) return;
    if (some.length === 1) refused.set(some[0]?.digest ?? '', reason);
    else {
      const middle = some.length >> 1;
      await judge(some.slice(0, middle));
      await judge(some.slice(middle));
    }
  };
  try {
    await mkdir(directory, { recursive: true, mode: PRIVATE_DIRECTORY });
    for (const { file, pem } of files) await writeFile(file, pem, { mode: PRIVATE_FILE });
    await judge(files);
  } catch {
    // What it said so far counts.
  } finally {
    await rm(directory, { recursive: true, force: true }).catch(() => undefined);
  }
  return { refused, unjudged };
}

async function explainRefusal(
  entries: readonly Pick<CertificateEntry, 'file' | 'filters'>[],
  { directory, binary }: { readonly directory: string; readonly binary?: string | undefined },
): Promise<string | undefined> {
  const [list, config] = [join(directory, 'list'), join(directory, 'haproxy.cfg')];
  await writeFile(list, renderCertificateList(entries));
  const lines = [
    'defaults',
    '  mode http',
    '  timeout connect 1s',
    '  timeout client 1s',
    '  timeout server 1s',
    'frontend certificates',
    // A check binds nothing.
    `  bind 127.0.0.1:1 ssl crt-list ${list}`,
    '',
  ];
  await writeFile(config, lines.join('\n'));
  const verdict = await validateConfig(config, binary);
  // Without an alert it was not HAProxy that refused: it is not there, or took too long.
  if (verdict.ok || !verdict.reason.includes('[ALERT]')) return undefined;
  const said = /error processing line \d+ in file '[^']*' ?: (.*)$/m.exec(verdict.reason)?.[1];
  return `HAProxy refuses it: ${(said ?? verdict.reason).replaceAll(`${directory}/`, '')}`;
}
