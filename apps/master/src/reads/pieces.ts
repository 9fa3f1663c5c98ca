/** One value within a block of bytes: a text that is not among them yet, or where it stands. */
export interface Piece {
  text: string | Buffer | undefined;
  start: number;
  end: number;
}

const NONE = Buffer.alloc(0);

/**
 * Puts the bytes of a block together: new texts are encoded, all others copied from where they stood in `old`; with
 * `separator` between them. Says of each piece where it stands now.
 */
export function seal(pieces: readonly Piece[], old: Buffer, separator: Buffer = NONE): Buffer {
  let length = separator.length * Math.max(0, pieces.length - 1);
  for (const { text, start, end } of pieces) {
    length += text === undefined ? end - start : Buffer.byteLength(text);
  }
  const bytes = Buffer.allocUnsafe(length);
  let offset = 0;
  for (const [index, piece] of pieces.entries()) {
    if (index > 0) offset += separator.copy(bytes, offset);
    const { text, start, end } = piece;
    piece.start = offset;
    if (text === undefined) offset += old.copy(bytes, offset, start, end);
    else if (typeof text === 'string') offset += bytes.write(text, offset);
    else offset += text.copy(bytes, offset);
    piece.end = offset;
    piece.text = undefined;
  }
  return bytes;
}
