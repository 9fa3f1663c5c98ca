import type { EdgeSettings, EdgeSockets, Words } from './edge-settings.js';
import { canConnectSockets } from './merge-base.js';

/** How a request came: what its backend needs to know of it. */
export type Scheme = 'http' | 'https';

/** Through which door a request came in: by host name, by the header of an app's id, or by a port of a route's own. */
export type Entry = 'hosts' | 'apps' | `${string}:${number}`;

/** Tells the successor the entry. What a client says in it is overwritten; no instance sees it. */
const ENTRY_HEADER = 'X-Pacer-Entry';

/** Where a worker that only finishes what it has sends the requests it still gets: to its successor. */
export const successorOf = (scheme: Scheme): string => `edge_successor_${scheme}`;
export const socketAddress = ({ sockets }: EdgeSettings, name: keyof EdgeSockets): string =>
  `unix@${sockets[name]}`;
/** For a worker of the same user only. */
export const SOCKET_OPTIONS: Words = ['mode', '600', 'accept-proxy'];

const IS_LEAVING: Words = ['{', 'var(txn.edge_is_leaving)', '-m', 'bool', '}'];
/** Asked once: the header and the choice of the backend must not differ. */
const ASK_LEAVING: Words = [
  ...['http-request', 'set-var(txn.edge_is_leaving)', 'bool(true)'],
  ...['if', '{', 'stopping', '}'],
];

/**
 * After a reload, idle keep-alive connections stay with the old worker for one more request. It would answer from its own
 * servers, and HAProxy 2.6 refuses to change those ("Proxy is disabled"), so it hands the request to the new one, over a
 * socket that worker listens on now.
 */
export const handOver = (settings: EdgeSettings, scheme: Scheme, entry: Entry): readonly Words[] =>
  canConnectSockets(settings)
    ? [
        ASK_LEAVING,
        ['http-request', 'set-header', ENTRY_HEADER, entry, 'if', ...IS_LEAVING],
        ['use_backend', successorOf(scheme), 'if', ...IS_LEAVING],
      ]
    : [];

const ENTRY = 'var(txn.edge_entry)';
const OWN = 'var(txn.edge_own)';
const HAS_OWN: Words = ['{', OWN, '-m', 'found', '}'];
const setOwn = (expression: string, ...condition: Words): Words => [
  ...['http-request', 'set-var(txn.edge_own)', expression],
  ...condition,
];

/** What was handed over: reads its entry, and finds the backend of one that is not by host name. */
export const entryLines = ({ mapFiles, appsPort }: EdgeSettings): readonly Words[] => [
  ASK_LEAVING,
  ['http-request', 'set-var(txn.edge_entry)', `req.hdr(${ENTRY_HEADER})`],
  ['http-request', 'del-header', ENTRY_HEADER, 'unless', ...IS_LEAVING],
  setOwn(`${ENTRY},map_str(${mapFiles.ports})`),
  // Of an address the port alone, where only one route has it.
  setOwn(`${ENTRY},word(-1,:),map_str(${mapFiles.ports})`, 'unless', ...HAS_OWN),
  ...(appsPort === undefined
    ? []
    : [
        setOwn(
          `req.hdr(X-Marathon-App-Id),map_str(${mapFiles.apps})`,
          ...['if', '{', ENTRY, '-m', 'str', 'apps', '}'],
        ),
      ]),
];

/** What was handed over goes on the way it came; what came in by an entry of its own is not for the rules of hosts. */
export const entryRouting = (noRoute: string): readonly Words[] => [
  ...(['http', 'https'] as const).map((scheme) => [
    ...['use_backend', successorOf(scheme), 'if', ...IS_LEAVING],
    ...['{', 'var(txn.edge_scheme)', '-m', 'str', scheme, '}'],
  ]),
  ['use_backend', `%[${OWN}]`, 'if', ...HAS_OWN],
  [
    ...['use_backend', noRoute, 'if', '{', ENTRY, '-m', 'found', '}'],
    ...['!{', ENTRY, '-m', 'str', 'hosts', '}'],
  ],
];
