import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { vi } from 'vitest';
import { freePort } from '../haproxy.test-support.js';
import { haproxyEnvironment } from '../haproxy-command.js';
import { runCommands } from '../runtime-socket.js';
import { type CertificateBundle, readCertificateBundle } from './certificate-bundle.js';
import { type CertificateEntry, writeCertificateFiles } from './certificate-files.js';

const START_LIMIT_MS = 20_000;

/** A self-signed certificate with its key. `key`: as `openssl req -newkey` is told. */
export function makePem(
  name: string,
  key: readonly string[] = ['ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'],
): string {
  const folder = mkdtempSync(join(tmpdir(), 'pacer-pem-'));
  const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`];
  const files = ['-keyout', keyFile, '-out', certFile, '-days', '2', '-nodes'];
  execFileSync('openssl', ['req', '-x509', '-newkey', ...key, ...files, ...subject], {
    stdio: 'ignore',
  });
  const pem = execFileSync('cat', [certFile, keyFile], { encoding: 'utf8' });
  rmSync(folder, { recursive: true });
  return pem;
}

export function bundle(text: string): CertificateBundle {
  const read = readCertificateBundle(text);
  if (!read.ok) throw new Error(read.reason);
  return read.bundle;
}

/** A HAProxy that serves certificates of a list, or those its configuration names. */
export class CertificateRig {
  readonly directory = mkdtempSync(join(tmpdir(), 'pacer-certificates-'));
  readonly adminSocket = join(this.directory, 'admin.sock');
  readonly certificateList = join(this.directory, 'certificates.list');
  port = 0;
  private child: ChildProcess | undefined;

  entry(name: string, text: string, filters: readonly string[] = []): CertificateEntry {
    const { pem, fingerprint, digest } = bundle(text);
    const file = join(this.directory, 'certs', `${name}.pem`);
    return { file, pem, fingerprint, digest, filters };
  }

  write(entries: readonly CertificateEntry[]): Promise<void> {
    const directory = join(this.directory, 'certs');
    return writeCertificateFiles({ directory, list: this.certificateList }, entries);
  }

  /** `crt`: what follows `ssl` on the line of the port. Started again, it reads its files anew. */
  async start(crt = `crt-list ${this.certificateList}`): Promise<void> {
    await this.end();
    this.port = await freePort();
    const config = join(this.directory, 'haproxy.cfg');
    const lines = [
      `global\n  stats socket ${this.adminSocket} mode 600 level admin`,
      'defaults\n  mode http\n  timeout connect 1s\n  timeout client 1s\n  timeout server 1s',
      `frontend f\n  bind 127.0.0.1:${this.port} ssl ${crt}`,
      '  http-request return status 200\n',
    ];
    await writeFile(config, lines.join('\n'));
    const options = { stdio: 'ignore', env: haproxyEnvironment() } as const;
    this.child = spawn('haproxy', ['-db', '-f', config], options);
    const pid = `Pid: ${this.child.pid}\n`;
    await vi.waitFor(
      async () => {
        const [info = ''] = await this.run('show info');
        if (!info.includes(pid)) throw new Error('another one answers');
      },
      { timeout: START_LIMIT_MS },
    );
  }

  run(...commands: readonly string[]): Promise<readonly string[]> {
    return runCommands(this.adminSocket, commands);
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  /** Fingerprint of what is served for a name. */
  served(servername: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const options = { port: this.port, host: '127.0.0.1', servername, rejectUnauthorized: false };
      const connection = connect(options, () => {
        resolve(connection.getPeerCertificate().fingerprint.replaceAll(':', ''));
        connection.destroy();
      });
      connection.on('error', reject);
    });
  }

  /** All certificates shown for a name, in the order they come in. */
  shownChain(servername: string): readonly string[] {
    const args = ['s_client', '-connect', `127.0.0.1:${this.port}`, '-showcerts'];
    const text = execFileSync('openssl', [...args, '-servername', servername], {
      ...{ input: '', encoding: 'utf8', stdio: ['pipe', 'pipe', 'ignore'] },
    });
    return text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  }

  async destroy(): Promise<void> {
    await this.end();
    rmSync(this.directory, { recursive: true, force: true });
  }

  private async end(): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
}
