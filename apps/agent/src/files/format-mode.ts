import { constants } from 'node:fs';

const TYPES: readonly (readonly [number, string])[] = [
  [constants.S_IFDIR, 'd'],
  [constants.S_IFLNK, 'l'],
  [constants.S_IFIFO, 'p'],
  [constants.S_IFSOCK, 's'],
  [constants.S_IFCHR, 'c'],
  [constants.S_IFBLK, 'b'],
];

/** `-rw-r--r--`, as `ls -l` and Mesos write it. */
export function formatMode(mode: number): string {
  const type = TYPES.find(([bits]) => (mode & constants.S_IFMT) === bits)?.[1] ?? '-';
  const rights = [6, 3, 0].map((shift) => {
    const bits = (mode >> shift) & 7;
    return `${bits & 4 ? 'r' : '-'}${bits & 2 ? 'w' : '-'}${bits & 1 ? 'x' : '-'}`;
  });
  return type + rights.join('');
}
