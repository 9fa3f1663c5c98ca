/** A message as TCP carries it: its length comes first. */
export function lengthPrefixed(message: Buffer): Buffer {
  const framed = Buffer.allocUnsafe(message.length + 2);
  framed.writeUInt16BE(message.length, 0);
  message.copy(framed, 2);
  return framed;
}

/** Parts a stream into messages, whatever the chunks. Holds one message at most. */
export class MessageReader {
  private rest: Buffer = Buffer.alloc(0);

  constructor(private readonly maxBytes: number) {}

  /** The messages that are whole now. Throws when one is said to be above the limit. */
  push(chunk: Buffer): readonly Buffer[] {
    let data = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    const messages: Buffer[] = [];
    while (data.length >= 2) {
      const length = data.readUInt16BE(0);
      if (length > this.maxBytes) throw new Error(`message of ${length} bytes`);
      if (data.length < length + 2) break;
      messages.push(data.subarray(2, length + 2));
      data = data.subarray(length + 2);
    }
    this.rest = data;
    return messages;
  }
}
