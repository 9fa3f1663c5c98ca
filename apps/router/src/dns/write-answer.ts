import { type Answer, encode } from 'dns-packet';
import type { DnsRecord, SrvData } from '#routing';
import type { QueryHead } from './read-query.js';

/** Largest UDP message that crosses networks in one piece (RFC 9715). */
export const UDP_PAYLOAD_BYTES = 1_232;
/** What every client takes by UDP. */
export const PLAIN_UDP_BYTES = 512;
export const MAX_TCP_BYTES = 65_535;
/** A record can take no less: pointer, type, class, time, length, and an address. */
export const MIN_RECORD_BYTES = 16;

const HEADER_BYTES = 12;
const OPT_BYTES = 11;
/** Type, class and so on of a record follow after its name, which is the root (1 byte) in what the codec writes. */
const TAIL_AT = HEADER_BYTES + 1;
const CLASS_IN = 1;
const TYPE_A = 1;
const TYPE_SRV = 33;
const DOT = 46;
const ZERO = 48;
/** Offset of the data in what follows the name. */
const DATA_AT = 10;
/** Of SRV data: priority, weight and port come before the target. */
const SRV_TARGET_AT = DATA_AT + 6;
const MAX_POINTER = 0x3fff;

export interface AnswerMessage {
  readonly head: QueryHead;
  readonly code: number;
  readonly isAuthoritative: boolean;
  readonly isRecursionAvailable: boolean;
  readonly ttlSeconds: number;
  readonly answers: readonly DnsRecord[];
  readonly authorities: readonly DnsRecord[];
  readonly additionals: readonly DnsRecord[];
}

/** An answer without records. */
export const bareAnswer = (
  head: QueryHead,
  code: number,
  isRecursionAvailable = false,
): AnswerMessage => ({
  ...{ head, code, isRecursionAvailable, isAuthoritative: false, ttlSeconds: 0 },
  ...{ answers: [], authorities: [], additionals: [] },
});

/** How long a message may be: what the client takes, and no more than what passes through in one piece. */
export function sizeLimit({ edns }: QueryHead, transport: 'udp' | 'tcp'): number {
  if (transport === 'tcp') return MAX_TCP_BYTES;
  if (edns === undefined) return PLAIN_UDP_BYTES;
  return Math.min(Math.max(edns.payloadSize, PLAIN_UDP_BYTES), UDP_PAYLOAD_BYTES);
}

/** A record may be written behind the end before it is found not to fit: two names, or a text. */
const scratch = Buffer.alloc(MAX_TCP_BYTES + 2_048);

/**
 * Writes a response of at most `limit` bytes. Answers that do not fit are left out, and the response says so (TC), unless
 * there is no larger one to ask for: by TCP; additional records that do not fit are just left out. The question comes back as it was asked, and so does its name
 * in the records that answer it. O(bytes).
 */
export function writeAnswer(message: AnswerMessage, limit: number): Buffer {
  const { head, ttlSeconds } = message;
  const writer = new RecordWriter(head.question, limit - (head.edns === undefined ? 0 : OPT_BYTES));
  const answers = writer.addAll(message.answers, { ttlSeconds, isAnswer: true });
  const authorities = writer.addAll(message.authorities, { ttlSeconds });
  const isCut = answers < message.answers.length || authorities < message.authorities.length;
  const additionals = isCut ? 0 : writer.addAll(message.additionals, { ttlSeconds });
  const end = head.edns === undefined ? writer.end : writeOpt(writer.end, message.code);
  scratch.writeUInt16BE(head.id, 0);
  scratch.writeUInt16BE(flagsOf(message, isCut && limit < MAX_TCP_BYTES), 2);
  scratch.writeUInt16BE(head.question.length === 0 ? 0 : 1, 4);
  scratch.writeUInt16BE(answers, 6);
  scratch.writeUInt16BE(authorities, 8);
  scratch.writeUInt16BE(additionals + (head.edns === undefined ? 0 : 1), 10);
  return Buffer.from(scratch.subarray(0, end));
}

function flagsOf(message: AnswerMessage, isCut: boolean): number {
  const { head, code, isAuthoritative, isRecursionAvailable } = message;
  return (
    0x8000 |
    (head.opcode << 11) |
    (isAuthoritative ? 0x0400 : 0) |
    (isCut ? 0x0200 : 0) |
    (head.isRecursionDesired ? 0x0100 : 0) |
    (isRecursionAvailable ? 0x0080 : 0) |
    (code & 15)
  );
}

/** The upper bits of a code above 15 are here. */
function writeOpt(at: number, code: number): number {
  scratch[at] = 0;
  scratch.writeUInt16BE(41, at + 1);
  scratch.writeUInt16BE(UDP_PAYLOAD_BYTES, at + 3);
  scratch.writeUInt32BE((code >> 4) << 24, at + 5);
  scratch.writeUInt16BE(0, at + 9);
  return at + OPT_BYTES;
}

/** Appends records to the scratch buffer, their names as pointers where they stand there already. */
class RecordWriter {
  end: number;
  private readonly written = new Map<string, number>();
  private knowsQuestion = false;

  constructor(
    question: Buffer,
    private readonly limit: number,
  ) {
    question.copy(scratch, HEADER_BYTES);
    this.end = HEADER_BYTES + question.length;
  }

  /** Says how many fit. */
  addAll(
    records: readonly DnsRecord[],
    options: { readonly ttlSeconds: number; readonly isAnswer?: true },
  ): number {
    let count = 0;
    for (const record of records) {
      const before = this.end;
      if (options.isAnswer === true) this.pointTo(HEADER_BYTES);
      else this.writeOwner(record.name);
      const tail = this.end;
      this.end = writeTail(record, options.ttlSeconds, tail);
      if (this.end > this.limit) {
        this.end = before;
        return count;
      }
      // What stands behind the limit is never pointed to: the names of a record count once it is in.
      if (options.isAnswer !== true) this.remember(record.name, before);
      if (record.type === 'SRV') this.remember(record.data.target, tail + SRV_TARGET_AT);
      count += 1;
    }
    return count;
  }

  private writeOwner(name: string): void {
    if (!this.knowsQuestion) this.rememberQuestion();
    let rest = name;
    while (rest !== '') {
      const known = this.written.get(rest);
      if (known !== undefined) {
        this.pointTo(known);
        return;
      }
      const dot = rest.indexOf('.');
      const label = dot < 0 ? rest : rest.slice(0, dot);
      scratch[this.end] = scratch.write(label, this.end + 1, 'latin1');
      this.end += label.length + 1;
      rest = dot < 0 ? '' : rest.slice(dot + 1);
    }
    scratch[this.end] = 0;
    this.end += 1;
  }

  private pointTo(offset: number): void {
    scratch.writeUInt16BE(0xc000 | offset, this.end);
    this.end += 2;
  }

  /** The labels of the question, from the last to the first that is none of ours. */
  private rememberQuestion(): void {
    this.knowsQuestion = true;
    const offsets: number[] = [];
    for (let at = HEADER_BYTES; (scratch[at] ?? 0) > 0; at += (scratch[at] ?? 0) + 1) {
      offsets.push(at);
    }
    let name = '';
    for (const at of offsets.reverse()) {
      const label = scratch.toString('latin1', at + 1, at + 1 + (scratch[at] ?? 0)).toLowerCase();
      if (!/^[a-z0-9_-]+$/.test(label)) return;
      name = name === '' ? label : `${label}.${name}`;
      this.written.set(name, at);
    }
  }

  /** A name written at `offset`, up to where it is a pointer, and all names above it. */
  private remember(name: string, offset: number): void {
    let at = offset;
    let rest = name;
    while (rest !== '' && at <= MAX_POINTER && !this.written.has(rest)) {
      this.written.set(rest, at);
      const dot = rest.indexOf('.');
      if (dot < 0) return;
      at += dot + 1;
      rest = rest.slice(dot + 1);
    }
  }
}

/** Writes all of a record but its name, at `at`; says where it ends. */
function writeTail(record: DnsRecord, ttlSeconds: number, at: number): number {
  if (record.type === 'A') return writeAddress(record.data, ttlSeconds, at);
  if (record.type === 'SRV') return writeService(record.data, ttlSeconds, at);
  // The others are asked for less often: the codec allocates for each.
  const answer = { ...record, name: '.', ttl: ttlSeconds } as Answer;
  const tail = encode({ type: 'response', answers: [answer] }).subarray(TAIL_AT);
  return at + tail.copy(scratch, at);
}

function writeFixed(type: number, ttlSeconds: number, at: number): void {
  scratch.writeUInt16BE(type, at);
  scratch.writeUInt16BE(CLASS_IN, at + 2);
  scratch.writeUInt32BE(ttlSeconds, at + 4);
}

function writeAddress(address: string, ttlSeconds: number, at: number): number {
  writeFixed(TYPE_A, ttlSeconds, at);
  scratch.writeUInt16BE(4, at + 8);
  let end = at + DATA_AT;
  let byte = 0;
  for (let index = 0; index < address.length; index += 1) {
    const code = address.charCodeAt(index);
    if (code === DOT) {
      scratch[end] = byte;
      end += 1;
      byte = 0;
    } else byte = byte * 10 + (code - ZERO);
  }
  scratch[end] = byte;
  return end + 1;
}

/** The target of an SRV record is never a pointer (RFC 2782). */
function writeService(
  { priority, weight, port, target }: SrvData,
  ttlSeconds: number,
  at: number,
): number {
  writeFixed(TYPE_SRV, ttlSeconds, at);
  scratch.writeUInt16BE(priority, at + DATA_AT);
  scratch.writeUInt16BE(weight, at + DATA_AT + 2);
  scratch.writeUInt16BE(port, at + DATA_AT + 4);
  let label = at + SRV_TARGET_AT;
  let end = label + 1;
  for (let index = 0; index < target.length; index += 1) {
    const code = target.charCodeAt(index);
    if (code === DOT) {
      scratch[label] = end - label - 1;
      label = end;
    } else scratch[end] = code;
    end += 1;
  }
  scratch[label] = end - label - 1;
  scratch[end] = 0;
  scratch.writeUInt16BE(end + 1 - (at + DATA_AT), at + 8);
  return end + 1;
}
