import { createWriteStream } from 'node:fs';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { FetchError } from '../engine/fetcher.port.js';
import { type Checksum, ChecksumCheck } from './checksum.js';
import { limitBytes } from './limit-bytes.js';
import type { Source } from './source.js';

/** A download that stalls this long fails (Mesos' stall timeout). */
const STALL_MS = 60_000;

export interface ReceiveOptions {
  readonly limitBytes: number;
  readonly checksum?: Checksum;
  readonly signal: AbortSignal;
  readonly onProgress: (receivedBytes: number) => void;
}

/** Writes a source to a file that must not exist; resolves with its length once all of it is there and as promised. */
export async function receive(
  { stream, bytes }: Source,
  target: string,
  options: ReceiveOptions,
): Promise<number> {
  const { limitBytes: limit, checksum, signal, onProgress } = options;
  if (bytes !== undefined && bytes > limit) {
    stream.destroy();
    throw new FetchError(`it is ${bytes} bytes long, the limit is ${limit}`);
  }
  const check = checksum === undefined ? undefined : new ChecksumCheck(checksum);
  const limited = limitBytes(limit, 'download');
  let received = 0;
  const count = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      received += chunk.length;
      check?.update(chunk);
      onProgress(received);
      stall.refresh();
      done(null, chunk);
    },
  });
  const stall = setTimeout(
    () => limited.destroy(new FetchError(`nothing arrived for ${STALL_MS} ms`)),
    STALL_MS,
  );
  try {
    // Exclusively, so never through a link.
    await pipeline(stream, limited, count, createWriteStream(target, { flags: 'wx' }), { signal });
  } finally {
    clearTimeout(stall);
  }
  if (bytes !== undefined && received !== bytes) {
    throw new FetchError(`${received} of ${bytes} bytes arrived`);
  }
  check?.end();
  return received;
}
