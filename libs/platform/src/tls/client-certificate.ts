import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { type Identity, PRINCIPAL_KINDS, toPrincipal } from '../credentials.js';

/** What the one who connected has shown. */
export type ClientCertificate =
  /** Signed by our CA, in its time, and for a client: who it is and what it may act as, by its subject. */
  | {
      readonly kind: 'accepted';
      readonly identity: Identity;
      /** A controller's: it may say whom it passes a request on for. */
      readonly speaksForOthers?: true;
    }
  | { readonly kind: 'refused'; readonly reason: string };

/** Beside `operator`: who may look, but not change anything. */
const READER_UNIT = 'read';
const CONTROLLER_UNIT = 'controller';

const known = new WeakMap<Socket, ClientCertificate | 'none'>();

/**
 * The certificate of a connection; undefined without one. The principal is the common name of its subject, and what it may
 * act as are those of its organizational units that are named like a kind; the unit `read` makes it a reader. Checked once
 * for each connection.
 */
export function clientCertificateOf(socket: Socket): ClientCertificate | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  let found = known.get(socket);
  if (found === undefined) {
    found = read(socket) ?? 'none';
    known.set(socket, found);
  }
  return found === 'none' ? undefined : found;
}

function read(socket: TLSSocket): ClientCertificate | undefined {
  const certificate = socket.getPeerCertificate();
  // An empty object where none was shown.
  if (certificate?.raw === undefined) return undefined;
  if (!socket.authorized) {
    const reason = String(socket.authorizationError ?? 'it is not signed by our CA');
    return { kind: 'refused', reason: `The client certificate is not accepted: ${reason}` };
  }
  return identify(certificate.subject as unknown as Readonly<Record<string, unknown>>);
}

/** The identity a subject gives. */
export function identify(subject: Readonly<Record<string, unknown>>): ClientCertificate {
  const { CN: name, OU: units } = subject;
  try {
    if (typeof name !== 'string') throw new Error('it has no, or more than one, common name');
    const kinds = PRINCIPAL_KINDS.filter((kind) => [units].flat().includes(kind));
    const isReader = [units].flat().includes(READER_UNIT);
    return {
      kind: 'accepted',
      identity: {
        principal: toPrincipal(name),
        kinds: new Set(isReader ? kinds.filter((kind) => kind === 'operator') : kinds),
        ...(isReader ? { role: 'read' } : {}),
      },
      ...([units].flat().includes(CONTROLLER_UNIT) && !isReader ? { speaksForOthers: true } : {}),
    };
  } catch (error) {
    return {
      kind: 'refused',
      reason: `The client certificate is not accepted: ${(error as Error).message}`,
    };
  }
}
