import { execFile, spawn } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The image every Docker test uses; no registry is needed to have it. */
export const BUSYBOX_IMAGE = 'pacer-test/busybox:1';

const BUSYBOX = '/bin/busybox';
const ENGINE_TIMEOUT_MS = 20_000;

/**
 * True when a Docker engine answers. Otherwise tests that need one skip and say so, except in continuous integration,
 * where a missing part is a failure.
 */
export async function hasDocker(): Promise<boolean> {
  try {
    await run('docker', ['version', '--format', '{{.Server.Version}}'], {
      timeout: ENGINE_TIMEOUT_MS,
    });
    return true;
  } catch (cause) {
    if (process.env['CI'] === 'true') throw new Error('CI=true needs a Docker engine', { cause });
    process.stderr.write('no Docker engine answers: tests that need one are skipped\n');
    return false;
  }
}

/** Imports the static busybox of this host as {@link BUSYBOX_IMAGE} unless it is there already. */
export async function ensureBusyboxImage(): Promise<string> {
  const found = await run('docker', ['image', 'inspect', BUSYBOX_IMAGE]).then(
    () => true,
    () => false,
  );
  if (!found) await importBusybox();
  return BUSYBOX_IMAGE;
}

async function importBusybox(): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'pacer-busybox-'));
  try {
    for (const folder of ['bin', 'etc', 'proc', 'sys', 'dev', 'tmp', 'www', 'mnt']) {
      await mkdir(join(root, folder));
    }
    await copyFile(BUSYBOX, join(root, 'bin/busybox'));
    const { stdout } = await run(BUSYBOX, ['--list']);
    for (const applet of stdout.split('\n').filter((name) => name !== '' && name !== 'busybox')) {
      await symlink('busybox', join(root, 'bin', applet));
    }
    await importFolder(root);
  } finally {
    await rm(root, { recursive: true });
  }
}

async function importFolder(root: string): Promise<void> {
  const tar = spawn('tar', ['-C', root, '-c', '.'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const change = ['--change', 'ENV PATH=/bin', '--change', 'CMD ["/bin/sh"]'];
  const load = spawn('docker', ['import', ...change, '-', BUSYBOX_IMAGE], {
    stdio: [tar.stdout, 'ignore', 'inherit'],
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    load.once('error', reject);
    load.once('exit', resolve);
  });
  if (code !== 0) throw new Error(`docker import ended with ${code}`);
}
