import { answerQuestion, type DnsAuthority, type DnsZone, isInDomain } from '#routing';
import type { Transport } from './message-handler.js';
import { type QueryHead, RCODE, readQuery } from './read-query.js';
import {
  type AnswerMessage,
  bareAnswer,
  MIN_RECORD_BYTES,
  PLAIN_UDP_BYTES,
  sizeLimit,
  writeAnswer,
} from './write-answer.js';

/** In the first byte of the flags. */
const TRUNCATED = 0x02;

/** What to do about a message. */
export type DnsResponse =
  | { readonly kind: 'none' }
  | { readonly kind: 'reply'; readonly bytes: Buffer; readonly code: number }
  /** The question is for others to answer, and this client may ask them. */
  | { readonly kind: 'forward'; readonly head: QueryHead };

export interface ResponderOptions {
  readonly zone: DnsZone;
  readonly authority: () => DnsAuthority;
  /** Whether the zone holds all there is, now or in a former life: before, no name is said not to exist. */
  readonly isReady: () => boolean;
  readonly maxRecords: number;
  /** Whether a client, by its address, may have questions passed on. */
  readonly mayForward: (client: string) => boolean;
}

/** Answers messages, at most one response each. It keeps nothing between them. */
export class DnsResponder {
  constructor(private readonly options: ResponderOptions) {}

  respond(message: Buffer, client: string, transport: Transport): DnsResponse {
    const read = readQuery(message);
    if (read.kind === 'drop') return { kind: 'none' };
    const { head } = read;
    if (read.kind === 'refuse') return reply(bareAnswer(head, read.code), transport);
    const { zone, authority, isReady, maxRecords } = this.options;
    const now = authority();
    const isOurs = now.domains.some((domain) => isInDomain(read.question.name, domain));
    if (isOurs && !isReady()) return reply(bareAnswer(head, RCODE.SERVFAIL), transport);
    // More records than the message can hold are not even looked at.
    const room = Math.floor(sizeLimit(head, transport) / MIN_RECORD_BYTES) + 1;
    const limits = { maxRecords: Math.min(maxRecords, room), random: Math.random };
    const answer = answerQuestion(zone, read.question, { authority: now, limits });
    const mayForward = this.options.mayForward(client);
    if (answer.kind === 'foreign') {
      if (mayForward && head.isRecursionDesired) return { kind: 'forward', head };
      return reply(bareAnswer(head, RCODE.REFUSED, mayForward), transport);
    }
    const { code, ...sections } = answer;
    const made = { head, code: RCODE[code], isAuthoritative: true, ...sections };
    return reply({ ...made, isRecursionAvailable: mayForward }, transport);
  }

  /** What another resolver answered, as the client can take it; nobody answered: SERVFAIL. */
  fitForwarded(head: QueryHead, answer: Buffer | undefined, transport: Transport): Buffer {
    const limit = sizeLimit(head, transport);
    if (answer === undefined) return writeAnswer(bareAnswer(head, RCODE.SERVFAIL, true), limit);
    const taken = Math.max(PLAIN_UDP_BYTES, head.edns?.payloadSize ?? 0);
    if (transport === 'tcp' || answer.length <= taken) return answer;
    const cut = writeAnswer(bareAnswer(head, (answer[3] ?? 0) & 15, true), limit);
    cut.writeUInt8((cut[2] ?? 0) | TRUNCATED, 2);
    return cut;
  }
}

function reply(message: AnswerMessage, transport: Transport): DnsResponse {
  const bytes = writeAnswer(message, sizeLimit(message.head, transport));
  return { kind: 'reply', bytes, code: message.code };
}
