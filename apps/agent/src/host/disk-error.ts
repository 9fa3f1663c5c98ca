/** What a disk says that is full, read-only or broken, and may be well again later. */
const DISK_CODES: ReadonlySet<string | undefined> = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO']);

export const isDiskError = ({ code }: NodeJS.ErrnoException): boolean => DISK_CODES.has(code);
