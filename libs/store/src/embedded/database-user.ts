import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { EmbeddedDatabaseError } from './embedded-database-error.js';

/** Whom PostgreSQL runs as. It refuses to run as root. */
export interface DatabaseUser {
  readonly uid: number;
  readonly gid: number;
}

/** Users to run as when we are root, in order of preference. */
const CANDIDATES = ['pacer', 'postgres', 'nobody'];

/** Ourselves, or when we are root the owner of an existing data directory, else an unprivileged system user. */
export function chooseUser(dataDirectory: string): DatabaseUser {
  const uid = process.getuid?.() ?? 0;
  if (uid !== 0) return { uid, gid: process.getgid?.() ?? uid };
  if (existsSync(dataDirectory)) {
    const owner = statSync(dataDirectory);
    if (owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  }
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  for (const name of CANDIDATES) {
    const [, , user, group] = users.find(([candidate]) => candidate === name) ?? [];
    if (user !== undefined && group !== undefined) return { uid: Number(user), gid: Number(group) };
  }
  throw new EmbeddedDatabaseError(
    `PostgreSQL must not run as root and none of the users ${CANDIDATES.join(', ')} exists: create one, or set DATABASE_URL`,
  );
}

/** Throws when `user` may not enter a folder above `path`, naming it: a private home is the usual case. */
export function requireReachable(path: string, user: DatabaseUser): void {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const { mode, uid, gid } = statSync(folder);
    const needed = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
    if (user.uid !== 0 && (mode & needed) === 0) {
      throw new EmbeddedDatabaseError(
        `the database's user (uid ${user.uid}) cannot enter ${folder}: choose another folder with PACER_DATA or --data, such as /var/lib/pacer`,
      );
    }
    if (folder === dirname(folder)) return;
  }
}
