import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const RUN = '/run/pacer/';
const LIMIT_MS = 20_000;

/** Asks `haproxy -c` about configurations whose files are below /run/pacer, which here is a folder of its own. */
export class HaproxyVerdict {
  private folder = '';

  /** With empty maps, and a certificate `shop`. */
  open(): void {
    this.folder = mkdtempSync(join(tmpdir(), 'edge-verdict-'));
    for (const map of ['hosts', 'wildcards', 'sni', 'sni-wildcards', 'ports', 'apps']) {
      writeFileSync(join(this.folder, `${map}.map`), '');
    }
    writeFileSync(join(this.folder, 'certificates.list'), '');
    mkdirSync(join(this.folder, 'certificates'));
    const [key, certificate] = ['key.pem', 'certificate.pem'].map((name) =>
      join(this.folder, name),
    );
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30', '-subj', '/CN=shop'],
        ...['-keyout', key ?? '', '-out', certificate ?? ''],
      ],
      { stdio: 'ignore' },
    );
    const pem = execFileSync('cat', [certificate ?? '', key ?? '']);
    writeFileSync(join(this.folder, 'certificates', 'shop.pem'), pem);
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Whether HAProxy takes it, and its alerts. */
  of(text: string): Promise<{ readonly accepted: boolean; readonly output: string }> {
    const file = join(this.folder, 'haproxy.cfg');
    writeFileSync(file, text.replaceAll(RUN, `${this.folder}/`));
    const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/usr/local/sbin` };
    return new Promise((resolve) => {
      execFile('haproxy', ['-c', '-f', file], { timeout: LIMIT_MS, env }, (error, _, stderr) =>
        resolve({
          accepted: error === null,
          output: stderr
            .split('\n')
            .filter((line) => line.startsWith('[ALERT]'))
            .join('\n'),
        }),
      );
    });
  }
}
