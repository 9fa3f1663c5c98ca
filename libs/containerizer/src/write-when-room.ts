import type { Writable } from 'node:stream';

/** Resolves when more may be written, or nothing can be any more. */
export async function writeWhenRoom(stream: Writable, data: Uint8Array): Promise<void> {
  if (!stream.writable || stream.write(data)) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      stream.off('drain', done).off('close', done);
      resolve();
    };
    stream.on('drain', done).on('close', done);
  });
}
