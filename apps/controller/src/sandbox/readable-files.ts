import { ApiError } from '#platform';

/** Logs as the launchers name them, with what was rotated away. */
const LOG = /^(?:stdout|stderr)(?:\.\d{1,4})?(?:\.gz)?$/;

/** A file that holds a log: whoever may look may read it. Others hold what was fetched or written, secrets too. */
export function checkReadable(file: string): void {
  if (LOG.test(file)) return;
  throw new ApiError(
    403,
    `The role read may list a sandbox and read stdout and stderr, not '${file.slice(0, 200)}'; that needs the role full`,
    { extra: { role: 'read', needs: 'full' } },
  );
}
