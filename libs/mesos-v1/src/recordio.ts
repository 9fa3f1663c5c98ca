/** RecordIO framing: ASCII decimal byte length, LF, exactly that many bytes; the next record follows immediately. */

/** Longest record either side accepts, in bytes. */
export const MAX_RECORD_BYTES = 64 * 1024 * 1024;
const MAX_LENGTH_DIGITS = 10;
const LF = 0x0a;

export class RecordIoError extends Error {
  readonly code = 'RECORDIO';
}

/** Bytes of a JSON text in UTF-8, without needing an encoder. O(n). */
export function utf8Length(text: string): number {
  let bytes = 0;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) bytes += 1;
    else if (unit < 0x800) bytes += 2;
    else if (unit >= 0xd800 && unit < 0xdc00 && index + 1 < text.length) {
      bytes += 4;
      index += 1;
    } else bytes += 3;
  }
  return bytes;
}

/** One record; `json` must hold no raw newline (JSON.stringify never emits one). Write it in one chunk. */
export const encodeRecord = (json: string): string => `${utf8Length(json)}\n${json}`;

/**
 * Splits a byte stream into records. Feed chunks in order; each call returns the records completed by it.
 * Throws {@link RecordIoError} on a malformed or oversized length; the stream is then unusable.
 */
export class RecordDecoder {
  private pending: Uint8Array[] = [];
  private pendingBytes = 0;
  private wanted: number | undefined;
  private lengthText = '';

  push(chunk: Uint8Array): readonly Uint8Array[] {
    const records: Uint8Array[] = [];
    let offset = 0;
    while (offset < chunk.length) {
      if (this.wanted === undefined) offset = this.readLength(chunk, offset);
      else {
        const take = Math.min(this.wanted - this.pendingBytes, chunk.length - offset);
        this.pending.push(chunk.subarray(offset, offset + take));
        this.pendingBytes += take;
        offset += take;
      }
      if (this.wanted !== undefined && this.pendingBytes === this.wanted) records.push(this.take());
    }
    return records;
  }

  private readLength(chunk: Uint8Array, start: number): number {
    for (let index = start; index < chunk.length; index += 1) {
      const byte = chunk[index] ?? 0;
      if (byte === LF) {
        const length = Number(this.lengthText);
        if (this.lengthText === '' || length === 0 || length > MAX_RECORD_BYTES) {
          throw new RecordIoError(
            `record length "${this.lengthText}" is not 1..${MAX_RECORD_BYTES}`,
          );
        }
        this.wanted = length;
        this.lengthText = '';
        return index + 1;
      }
      if (byte < 0x30 || byte > 0x39 || this.lengthText.length >= MAX_LENGTH_DIGITS) {
        throw new RecordIoError(`byte 0x${byte.toString(16)} is not part of a record length`);
      }
      this.lengthText += String.fromCharCode(byte);
    }
    return chunk.length;
  }

  private take(): Uint8Array {
    const [only] = this.pending;
    let record = only ?? new Uint8Array(0);
    if (this.pending.length !== 1) {
      record = new Uint8Array(this.pendingBytes);
      let at = 0;
      for (const part of this.pending) {
        record.set(part, at);
        at += part.length;
      }
    }
    this.pending = [];
    this.pendingBytes = 0;
    this.wanted = undefined;
    return record;
  }
}
