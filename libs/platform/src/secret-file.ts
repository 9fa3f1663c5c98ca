import { readFileSync, statSync } from 'node:fs';

export const MAX_SECRET_FILE_BYTES = 1024 * 1024;
/** Others may neither read nor write it, its group may not write it. */
const FORBIDDEN_MODE = 0o027;

/** The text of a file that holds a secret, at most 1 MiB. Throws an `Error` without what is in it, also when others may read it. */
export function readSecretFile(path: string): string {
  const { mode } = statSync(path);
  if ((mode & FORBIDDEN_MODE) !== 0) {
    const octal = (mode & 0o777).toString(8).padStart(4, '0');
    throw new Error(`has mode ${octal}: take it from others with chmod 600`);
  }
  return readSmallFile(path);
}

/** The text of a file of at most 1 MiB. */
export function readSmallFile(path: string): string {
  const { size } = statSync(path);
  if (size > MAX_SECRET_FILE_BYTES) {
    throw new Error(`has ${size} bytes, the limit is ${MAX_SECRET_FILE_BYTES}`);
  }
  return readFileSync(path, 'utf8');
}
