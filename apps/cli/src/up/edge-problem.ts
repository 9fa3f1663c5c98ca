import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

/** Where distributions install HAProxy; the PATH of a user who is not root often lacks it. */
const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** Why HAProxy will serve nothing; undefined when nothing is known to be in its way. */
export function findEdgeProblem(edge: {
  /** Where programs are looked for. */
  readonly folders: readonly string[];
  readonly port: number;
  /** Free, or HAProxy of ours has it. */
  readonly isPortOurs: boolean;
}): string | undefined {
  if (!edge.folders.some((folder) => isProgram(join(folder, 'haproxy')))) {
    return 'HAProxy is missing (apt-get install haproxy)';
  }
  if (!edge.isPortOurs) {
    return `port ${edge.port} cannot be opened: stop what uses it, or set PACER_EDGE_HTTP_PORT`;
  }
  return undefined;
}

export const listProgramFolders = (searchPath: string): readonly string[] => [
  ...searchPath.split(':').filter((folder) => folder !== ''),
  ...SYSTEM_FOLDERS,
];

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
