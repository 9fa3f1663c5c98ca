import { decode, type OptAnswer } from 'dns-packet';
import type { DnsQuestion } from '#routing';

/** Response codes (RFC 1035, 6891). */
export const RCODE = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  BADVERS: 16,
} as const;

export interface Edns {
  /** As the client says, not limited yet. */
  readonly payloadSize: number;
  /** The client's part of a cookie (RFC 7873) and what follows; undefined: none. */
  readonly cookie?: Buffer;
}

/** What every response repeats of its query. */
export interface QueryHead {
  readonly id: number;
  readonly opcode: number;
  readonly isRecursionDesired: boolean;
  /** As it came, the case of the name included; empty where it could not be read. */
  readonly question: Buffer;
  readonly edns?: Edns;
}

/** A message from a client. `drop`: nothing must be answered, or the answer could be answered again. */
export type ReadQuery =
  | { readonly kind: 'drop' }
  | { readonly kind: 'refuse'; readonly head: QueryHead; readonly code: number }
  | { readonly kind: 'ask'; readonly head: QueryHead; readonly question: DnsQuestion };

/** Longest message read as a query: one name and a few options are far below. */
export const MAX_QUERY_BYTES = 4_096;
const HEADER_BYTES = 12;
const MAX_NAME_BYTES = 255;
/** OPT, and a signature. */
const MAX_ADDITIONALS = 2;
const COOKIE_OPTION = 10;
const CLASS_IN = 1;
const CLASS_ANY = 255;

const TYPE_NAMES: ReadonlyMap<number, string> = new Map([
  [1, 'A'],
  [2, 'NS'],
  [6, 'SOA'],
  [12, 'PTR'],
  [16, 'TXT'],
  [28, 'AAAA'],
  [33, 'SRV'],
  [255, 'ANY'],
]);
const OPT_TYPE = 41;
/** Not types of data but requests of other kinds (RFC 6895); zone transfers among them. */
const isMetaType = (type: number): boolean => type === OPT_TYPE || (type >= 128 && type < 255);
const TRANSFERS: ReadonlySet<number> = new Set([251, 252]);

/** Reads a message. Never throws, whatever the bytes are. */
export function readQuery(message: Buffer): ReadQuery {
  if (message.length < HEADER_BYTES) return { kind: 'drop' };
  const flags = message.readUInt16BE(2);
  if ((flags & 0x8000) !== 0) return { kind: 'drop' };
  const bare: QueryHead = {
    id: message.readUInt16BE(0),
    opcode: (flags >> 11) & 15,
    isRecursionDesired: (flags & 0x0100) !== 0,
    question: Buffer.alloc(0),
  };
  const refuse = (code: number, head = bare): ReadQuery => ({ kind: 'refuse', head, code });
  if (bare.opcode !== 0) return refuse(RCODE.NOTIMP);
  if (message.length > MAX_QUERY_BYTES || !hasOneQuestion(message)) return refuse(RCODE.FORMERR);
  const name = readName(message);
  if (name === undefined || name.end + 4 > message.length) return refuse(RCODE.FORMERR);
  const question = message.subarray(HEADER_BYTES, name.end + 4);
  const edns = readEdns(message, name.end + 4);
  if (edns.kind === 'broken') return refuse(RCODE.FORMERR, { ...bare, question });
  const head = { ...bare, question, ...(edns.edns === undefined ? {} : { edns: edns.edns }) };
  if (edns.version > 0) return refuse(RCODE.BADVERS, head);
  const type = message.readUInt16BE(name.end);
  const code = refusalOf(type, message.readUInt16BE(name.end + 2));
  if (code !== undefined) return refuse(code, head);
  const typeName = TYPE_NAMES.get(type) ?? `TYPE${type}`;
  return { kind: 'ask', head, question: { name: name.text, type: typeName } };
}

function refusalOf(type: number, classCode: number): number | undefined {
  if (TRANSFERS.has(type)) return RCODE.REFUSED;
  if (isMetaType(type)) return RCODE.NOTIMP;
  return classCode === CLASS_IN || classCode === CLASS_ANY ? undefined : RCODE.REFUSED;
}

const hasOneQuestion = (message: Buffer): boolean =>
  message.readUInt16BE(4) === 1 &&
  message.readUInt16BE(6) === 0 &&
  message.readUInt16BE(8) === 0 &&
  message.readUInt16BE(10) <= MAX_ADDITIONALS;

/**
 * The name in lower case. Bytes that are in no name of ours come out as `\ddd`, a dot within a label among them, so that
 * nothing else is mistaken for one. A pointer has nothing to point to here.
 */
function readName(message: Buffer): { readonly text: string; readonly end: number } | undefined {
  let text = '';
  let at = HEADER_BYTES;
  for (;;) {
    const length = message[at];
    if (length === undefined || length > 63) return undefined;
    at += 1;
    if (length === 0) return { text, end: at };
    if (at + length - HEADER_BYTES >= MAX_NAME_BYTES || at + length > message.length) {
      return undefined;
    }
    if (text !== '') text += '.';
    for (const byte of message.subarray(at, at + length)) text += NAME_TEXT[byte];
    at += length;
  }
}

const NAME_TEXT: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  if (/[A-Za-z0-9_-]/.test(character)) return character.toLowerCase();
  return `\\${String(byte).padStart(3, '0')}`;
});

/** OPT without options, which is what nearly all clients send: no codec is needed for it. */
const isBareOpt = (message: Buffer, at: number): boolean =>
  message.length === at + 11 &&
  message.readUInt8(at) === 0 &&
  message.readUInt16BE(at + 1) === OPT_TYPE &&
  message.readUInt16BE(at + 9) === 0;

type EdnsOutcome =
  | { readonly kind: 'broken' }
  | { readonly kind: 'read'; readonly version: number; readonly edns?: Edns };

/** `end` is that of the question. */
function readEdns(message: Buffer, end: number): EdnsOutcome {
  const additionals = message.readUInt16BE(10);
  if (additionals === 0) return { kind: 'read', version: 0 };
  if (additionals === 1 && isBareOpt(message, end)) {
    const edns = { payloadSize: message.readUInt16BE(end + 3) };
    return { kind: 'read', version: message.readUInt8(end + 6), edns };
  }
  let found: readonly OptAnswer[];
  try {
    found = (decode(message).additionals ?? []).filter((record) => record.type === 'OPT');
  } catch {
    return { kind: 'broken' };
  }
  const [option, ...others] = found;
  if (option === undefined) return { kind: 'read', version: 0 };
  if (others.length > 0 || option.name !== '.') return { kind: 'broken' };
  const cookie = option.options.find(({ code }) => Number(code) === COOKIE_OPTION)?.data;
  return {
    kind: 'read',
    version: option.ednsVersion,
    edns: { payloadSize: option.udpPayloadSize, ...(cookie === undefined ? {} : { cookie }) },
  };
}
