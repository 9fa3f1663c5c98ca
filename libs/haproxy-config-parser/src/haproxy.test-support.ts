import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A real HAProxy to compare with. */
export const isHaproxyInstalled = spawnSync('haproxy', ['-v'], { timeout: 10_000 }).status === 0;
if (!isHaproxyInstalled) console.warn('haproxy is not installed: its verdicts are not compared');

/** Times the number of runs of each comparison, to search for longer than the suite does: `HAPROXY_VERDICTS=20`. */
export const VERDICT_FACTOR = Math.max(1, Number(process.env['HAPROXY_VERDICTS'] ?? '1') || 1);

/** What HAProxy said. A file without listeners ends with status 2 and nothing is wrong with its text. */
export interface HaproxyVerdict {
  readonly isAccepted: boolean;
  readonly output: string;
}

/** A folder with one configuration that is written and checked again and again. */
export class HaproxyJudge {
  private readonly folder = mkdtempSync(join(tmpdir(), 'haproxy-judge-'));
  private readonly file = join(this.folder, 'edge.cfg');
  private readonly environment: Readonly<Record<string, string>>;
  /** Texts judged so far. */
  count = 0;

  constructor(environment: Readonly<Record<string, string>> = {}) {
    this.environment = environment;
  }

  judge(text: string): HaproxyVerdict {
    writeFileSync(this.file, text);
    this.count++;
    const result = this.run(['-c', '-f', this.file]);
    const isAccepted = result.status === 0 || result.status === 2;
    return { isAccepted, output: result.stderr.replaceAll(this.folder, '') };
  }

  /** What it says when it starts as a master with a worker; the text must end with an alert, which ends both. */
  serve(text: string): string {
    writeFileSync(this.file, text);
    this.count++;
    return this.run(['-W', '-f', this.file]).stderr.replaceAll(this.folder, '');
  }

  /** `haproxy -cc`: true, false, or undefined when it is refused. */
  evaluate(condition: string): boolean | undefined {
    this.count++;
    const { status } = this.run(['-cc', condition]);
    return status === 0 ? true : status === 1 ? false : undefined;
  }

  /** Puts a file beside the configuration and gives its path. */
  addFile(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private run(parameters: readonly string[]): ReturnType<typeof runHaproxy> {
    return runHaproxy(parameters, this.environment);
  }
}

/** Version and built-in features of the installed HAProxy. */
export function readHaproxyFacts(): {
  readonly version: string;
  readonly features: readonly string[];
} {
  const { stdout } = runHaproxy(['-vv'], {});
  const version = /^HAProxy version (\S+)/m.exec(stdout)?.[1] ?? '';
  const list = /^Feature list : (.*)$/m.exec(stdout)?.[1] ?? '';
  const features = list.split(' ').flatMap((word) => (word.startsWith('+') ? [word.slice(1)] : []));
  return { version, features };
}

function runHaproxy(parameters: readonly string[], environment: Readonly<Record<string, string>>) {
  const { PATH } = process.env;
  return spawnSync('haproxy', parameters, {
    env: { ...environment, ...(PATH !== undefined && { PATH }) },
    encoding: 'utf8',
    timeout: 20_000,
  });
}
