import type { Writable } from 'node:stream';

/** Ends us without a word when the reader of our output is gone (`pacer logs … | head`): nobody is left to write for. */
export function endWithReader(output: Writable): void {
  output.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  });
}

/** Goes on although nobody reads what we say: a cluster does not depend on it. */
export function outliveReader(output: Writable): void {
  output.removeAllListeners('error');
  output.on('error', () => undefined);
}
