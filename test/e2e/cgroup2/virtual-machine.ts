import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { initScript, KERNEL_MODULES, ROOT_SCRIPT } from './virtual-machine-scripts.js';

const BUSYBOX = '/bin/busybox';
const QEMU = 'qemu-system-x86_64';
const MEMORY_MIB = 3_000;
const BOOT_AND_RUN_LIMIT_MS = 30 * 60_000;

/** What a command in the machine left behind. */
export interface VirtualRun {
  readonly exitCode: number;
  readonly kernel: string;
  readonly controllers: readonly string[];
  /** Standard output and error of the command. */
  readonly output: string;
  /** The file the command wrote as `$PACER_VM_OUT/report.json`, if it did. */
  readonly report: string | undefined;
}

/**
 * Boots an unpacked kernel package under qemu, without hardware acceleration, with this machine's files to read (writes
 * go to memory) and cgroup v2 only; runs a shell command there as root and powers off. Throws with the console's text when the machine
 * does not get that far.
 */
export async function runInVirtualMachine(
  kernelFolder: string,
  command: string,
): Promise<VirtualRun> {
  const folder = mkdtempSync(join(tmpdir(), 'pacer-vm-'));
  let machine: ChildProcess | undefined;
  try {
    const out = join(folder, 'out');
    mkdirSync(out);
    writeFileSync(join(out, 'command'), command);
    const initrd = buildInitrd(folder, kernelFolder);
    let console = '';
    machine = spawn(QEMU, argumentsFor(kernelFolder, initrd, out), {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const keep = (chunk: Buffer): void => {
      console = (console + chunk.toString('latin1')).slice(-20_000);
    };
    machine.stdout?.on('data', keep);
    machine.stderr?.on('data', keep);
    await once(machine, 'exit', { signal: AbortSignal.timeout(BOOT_AND_RUN_LIMIT_MS) });
    const read = (name: string): string | undefined =>
      existsSync(join(out, name)) ? readFileSync(join(out, name), 'utf8') : undefined;
    const exitCode = read('exit');
    if (exitCode === undefined) throw new Error(`the machine ended without a result: ${console}`);
    return {
      exitCode: Number(exitCode),
      kernel: (read('kernel') ?? '').trim(),
      controllers: (read('controllers') ?? '').trim().split(' '),
      output: read('output') ?? '',
      report: read('report.json'),
    };
  } finally {
    machine?.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

const argumentsFor = (kernelFolder: string, initrd: string, out: string): string[] => {
  const share = (tag: string, path: string, more: string): string[] => [
    '-virtfs',
    `local,path=${path},mount_tag=${tag},security_model=none,multidevs=remap${more}`,
  ];
  return [
    ...['-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', String(MEMORY_MIB)],
    ...['-nographic', '-no-reboot', '-nic', 'none'],
    ...['-kernel', findOne(join(kernelFolder, 'boot'), 'vmlinuz-')],
    ...['-initrd', initrd, '-append', 'console=ttyS0 panic=-1 quiet cgroup_no_v1=all'],
    ...share('root', '/', ',readonly=on'),
    ...share('out', out, ''),
  ];
};

/** A file system in memory with a shell and what the kernel needs to read the files of this machine. */
function buildInitrd(folder: string, kernelFolder: string): string {
  const root = join(folder, 'initrd');
  for (const name of ['bin', 'modules', 'proc', 'sys', 'dev', 'root', 'lower', 'upper']) {
    mkdirSync(join(root, name), { recursive: true });
  }
  copyFileSync(BUSYBOX, join(root, 'bin/busybox'));
  const modules = findOne(join(kernelFolder, 'lib/modules'), '');
  const found = KERNEL_MODULES.map((path) => join(modules, 'kernel', path)).filter(existsSync);
  for (const module of found) copyFileSync(module, join(root, 'modules', basename(module)));
  writeFileSync(join(root, 'init'), initScript(found.map((path) => basename(path))));
  chmodSync(join(root, 'init'), 0o755);
  writeFileSync(join(root, 'start'), ROOT_SCRIPT);
  const archive = execFileSync('/bin/sh', ['-c', `find . | ${BUSYBOX} cpio -o -H newc`], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 64 * 1024 * 1024,
  });
  const file = join(folder, 'initrd.cpio');
  writeFileSync(file, archive);
  return file;
}

function findOne(folder: string, prefix: string): string {
  const name = readdirSync(folder).find((one) => one.startsWith(prefix));
  if (name === undefined) throw new Error(`${folder} has no ${prefix}*`);
  return join(folder, name);
}
