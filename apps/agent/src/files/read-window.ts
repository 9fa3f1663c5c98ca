import type { FileHandle } from 'node:fs/promises';

/** A piece of a file. `offset` is where it begins, `length` its bytes: `offset + length` is where to go on. */
export interface FileWindow {
  readonly data: string;
  readonly offset: number;
  readonly length: number;
}

/** Most bytes of one answer; Mesos gives 16 pages. */
export const MAX_WINDOW_BYTES = 64 * 1024;
const MAX_UTF8_BYTES = 4;

/** Reads at most `length` bytes from `offset`; offset -1, or one beyond the end, gives only the size. A character is never cut in two. */
export async function readWindow(
  file: FileHandle,
  range: { readonly offset: number; readonly length?: number },
): Promise<FileWindow> {
  const { size } = await file.stat();
  if (range.offset < 0 || range.offset >= size) return { data: '', offset: size, length: 0 };
  const wanted = Math.min(range.length ?? MAX_WINDOW_BYTES, MAX_WINDOW_BYTES);
  const buffer = Buffer.alloc(Math.max(0, Math.min(wanted, size - range.offset)));
  const { bytesRead } = await file.read(buffer, 0, buffer.length, range.offset);
  const read = buffer.subarray(0, bytesRead);
  const whole = range.offset + bytesRead < size ? withoutCutCharacter(read) : read;
  return { data: whole.toString('utf8'), offset: range.offset, length: whole.length };
}

function withoutCutCharacter(bytes: Buffer): Buffer {
  const from = Math.max(0, bytes.length - MAX_UTF8_BYTES);
  for (let at = bytes.length - 1; at >= from; at -= 1) {
    const byte = bytes[at] ?? 0;
    if (byte < 0x80) return bytes;
    if (byte < 0xc0) continue;
    const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    const isCut = bytes.length - at < needed;
    return isCut && at > 0 ? bytes.subarray(0, at) : bytes;
  }
  return bytes;
}
