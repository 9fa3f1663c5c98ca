import type { FileHandle } from 'node:fs/promises';

/** What was added to a file. `offset` is where it begins; `next` where the reading goes on. */
export interface Addition {
  readonly offset: number;
  readonly next: number;
  readonly data: string;
}

/** Most bytes of one addition. */
const PIECE_BYTES = 64 * 1024;
const BLOCK_BYTES = 512;
const MAX_UTF8_BYTES = 4;

/**
 * Reads what follows `offset`; undefined when there is nothing yet. A file that shrank was emptied and is read from its
 * beginning. Holes (heads of bounded logs) are skipped, so offsets stay those of the file. A character whose end has not
 * been written is left for later, unless `isLast`.
 */
export async function readAddition(
  file: FileHandle,
  offset: number,
  { isLast }: { readonly isLast: boolean },
): Promise<Addition | undefined> {
  const { size, blocks } = await file.stat();
  const isSparse = blocks * BLOCK_BYTES < size;
  let from = size < offset ? 0 : offset;
  const buffer = Buffer.alloc(Math.min(PIECE_BYTES, size));
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, from);
    const read = buffer.subarray(0, bytesRead);
    if (read.length === 0) return undefined;
    const zeros = isSparse ? countZeros(read) : 0;
    if (zeros === read.length) {
      // All that takes space may lie at the end: at least so far it is safe to jump.
      from = Math.max(from + zeros, size - blocks * BLOCK_BYTES);
      continue;
    }
    const text = read.subarray(zeros);
    const whole = isLast ? text : text.subarray(0, text.length - countIncomplete(text));
    if (whole.length === 0) return undefined;
    const start = from + zeros;
    return { offset: start, next: start + whole.length, data: whole.toString('utf8') };
  }
}

function countZeros(bytes: Buffer): number {
  let count = 0;
  while (count < bytes.length && bytes[count] === 0) count += 1;
  return count;
}

/** Bytes at the end that begin a character without ending it. */
function countIncomplete(bytes: Buffer): number {
  for (let count = 1; count < MAX_UTF8_BYTES && count <= bytes.length; count += 1) {
    const byte = bytes[bytes.length - count] ?? 0;
    if (byte < 0x80) return 0;
    if (byte < 0xc0) continue;
    const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return count < needed ? count : 0;
  }
  return 0;
}
