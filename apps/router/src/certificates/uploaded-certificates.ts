import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ControllerClient } from '../controller/controller-client.js';
import { replaceFile } from '../haproxy/edge-files.js';
import { CERTIFICATE_NAME, CertificateFolder, type NamedPem } from './certificate-folder.js';

type Answer = Awaited<ReturnType<ControllerClient['listCertificates']>>;

/** Which of the certificates that HAProxy starts with came from the controller, beside them. */
const RECORD = 'uploaded.json';

/**
 * The certificates uploaded to the controller. Only an answer that lists the others with their keys takes one away: not silence,
 * not a controller that does not know of certificates, not one that does not give their keys. So it is after a restart too.
 */
export class UploadedCertificates {
  private known: readonly NamedPem[] = [];
  private recorded = '';

  constructor(
    private readonly options: {
      readonly client: Pick<ControllerClient, 'listCertificates'>;
      /** Where certificates are written for HAProxy. */
      readonly directory: string;
    },
  ) {}

  /** What there was in the life before, and all that HAProxy would start with. Never rejects. */
  async recall(): Promise<readonly NamedPem[]> {
    const { directory } = this.options;
    const kept = await new CertificateFolder(directory).read().catch(() => []);
    const names = await readFile(join(directory, RECORD), 'utf8').then(readNames, () => undefined);
    // Without a record it is not known whose they are.
    this.known = kept.filter(({ name }) => names?.has(name) !== false);
    return kept;
  }

  get pems(): readonly NamedPem[] {
    return this.known;
  }

  /** Asks the controller. Gives back what is wrong. */
  async refresh(): Promise<readonly string[]> {
    try {
      const { known, problems } = readAnswer(
        await this.options.client.listCertificates(),
        this.known,
      );
      this.known = known;
      return problems;
    } catch (error) {
      return [`reading certificates: ${error instanceof Error ? error.message : String(error)}`];
    }
  }

  /** Writes down whose they are; the folder must be there. */
  async record(): Promise<void> {
    const text = JSON.stringify(this.known.map(({ name }) => name));
    if (text === this.recorded) return;
    await replaceFile(join(this.options.directory, RECORD), text);
    this.recorded = text;
  }
}

function readAnswer(
  answer: Answer,
  before: readonly NamedPem[],
): { readonly known: readonly NamedPem[]; readonly problems: readonly string[] } {
  if (answer === undefined) {
    // A real Marathon keeps none.
    const names = before.map(({ name }) => name).join(', ');
    const problem = `the controller does not know of certificates; those of before are served on: ${names}`;
    return { known: before, problems: before.length === 0 ? [] : [problem] };
  }
  const byName = new Map(before.map((one) => [one.name, one]));
  const problems: string[] = [];
  const known: NamedPem[] = [];
  for (const { name, pem } of answer) {
    const from = `certificate ${name} of the controller`;
    const instead = byName.get(name);
    if (!CERTIFICATE_NAME.test(name)) {
      problems.push(
        `certificate ${JSON.stringify(name)} of the controller: it cannot be the name of a file`,
      );
    } else if (pem !== undefined) known.push({ name, pem, from });
    else {
      const outcome = instead === undefined ? 'it is left out' : 'the one before is served on';
      problems.push(`${from}: it comes without its key; ${outcome}`);
      if (instead !== undefined) known.push(instead);
    }
  }
  return { known, problems };
}

function readNames(text: string): ReadonlySet<unknown> | undefined {
  try {
    const names: unknown = JSON.parse(text);
    return Array.isArray(names) ? new Set(names) : undefined;
  } catch {
    return undefined;
  }
}
