import { readFile } from 'node:fs/promises';

const BOOT_ID_PATH = '/proc/sys/kernel/random/boot_id';

/** What the kernel calls this boot of the host. */
export async function readBootId(): Promise<string> {
  return (await readFile(BOOT_ID_PATH, 'utf8')).trim();
}
