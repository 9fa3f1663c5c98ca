import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** A user of this host. */
export interface UserIds {
  readonly uid: number;
  readonly gid: number;
}

const run = promisify(execFile);
const LOOKUP_TIMEOUT_MS = 5_000;
const MAX_CACHED = 1_000;
const cached = new Map<string, UserIds>();

/** Looks a user up by name; rejects naming it when there is none. */
export async function findUser(name: string): Promise<UserIds> {
  const known = cached.get(name);
  if (known !== undefined) return known;
  const ids = { uid: await lookUp('-u', name), gid: await lookUp('-g', name) };
  if (cached.size >= MAX_CACHED) cached.clear();
  cached.set(name, ids);
  return ids;
}

async function lookUp(flag: '-u' | '-g', name: string): Promise<number> {
  try {
    const { stdout } = await run('id', [flag, '--', name], { timeout: LOOKUP_TIMEOUT_MS });
    return Number(stdout.trim());
  } catch (error) {
    throw new Error(`user ${JSON.stringify(name)} is not known on this host`, { cause: error });
  }
}
