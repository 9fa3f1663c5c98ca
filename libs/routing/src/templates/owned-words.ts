import { parseIpAddress } from '../dns/ip-address.js';
import type { Route } from '../route-table.js';

const SERVERS_ARE_OURS =
  'the instances of the app are the servers of its backend; further words for all of them go into BACKEND_SERVER_OPTIONS';

/** Lines after which HAProxy would never have the servers that it should have: no reload could be proved. */
const OWNED_LINES: ReadonlyMap<string, string> = new Map([
  ['server', SERVERS_ARE_OURS],
  ['server-template', SERVERS_ARE_OURS],
  ['default-server', `servers added at run time take nothing from it: ${SERVERS_ARE_OURS}`],
  ['disabled', 'HAPROXY_{n}_ENABLED false takes a port off the edge'],
  ['load-server-state-from-file', 'the state of the servers is that of the instances'],
  ['server-state-file-name', 'the state of the servers is that of the instances'],
]);

/** Of a frontend this only concerns its own port. */
const ALLOWED_IN_FRONTENDS: ReadonlySet<string> = new Set(['disabled']);

/** Words of a server line that change what the edge itself says of each instance. */
const OWNED_WORDS: ReadonlyMap<string, string> = new Map([
  ['weight', 'HAPROXY_{n}_TRAFFIC_WEIGHT gives an app of a deployment group its share'],
  ['disabled', 'an instance is taken out by its health and readiness checks, or by scaling'],
  ['track', 'an instance is taken out by its own health and readiness checks'],
  ['agent-check', "an instance is taken out by the app's own health and readiness checks"],
]);

/** Why a line of a section may not be an app's own; undefined: it may. */
export function explainOwnedLine(
  route: Pick<Route, 'listener' | 'portIndex'>,
  words: readonly string[],
  { isFrontend }: { readonly isFrontend: boolean },
): string | undefined {
  const [keyword = '', ...rest] = words;
  if (keyword === 'bind') return explainBind(route, rest[0] ?? '');
  if (isFrontend && ALLOWED_IN_FRONTENDS.has(keyword)) return undefined;
  return explain(OWNED_LINES, keyword, route.portIndex);
}

/** Why words of a server line may not be an app's own; undefined: they may. */
export function explainOwnedWord(
  { portIndex }: Pick<Route, 'portIndex'>,
  words: readonly string[],
): string | undefined {
  const owned = words.find((word) => OWNED_WORDS.has(word));
  return owned === undefined ? undefined : explain(OWNED_WORDS, owned, portIndex);
}

function explain(
  reasons: ReadonlyMap<string, string>,
  word: string,
  portIndex: number,
): string | undefined {
  const reason = reasons.get(word)?.replace('{n}', String(portIndex));
  return reason === undefined ? undefined : `${word} is the edge's own: ${reason}`;
}

/** A port nobody registered could be somebody else's: with it HAProxy does not start. */
function explainBind(
  { listener, portIndex }: Pick<Route, 'listener' | 'portIndex'>,
  addresses: string,
): string | undefined {
  const isOwn = addresses
    .split(',')
    .every((address) => listener !== undefined && isOwnAddress(address, listener));
  if (isOwn) return undefined;
  const own =
    listener === undefined
      ? 'this port of the app has none'
      : `that of this port of the app is ${listener.address ?? '*'}:${listener.port}`;
  return `bind ${addresses}: only the app's own listen address may be used, and ${own} (HAPROXY_${portIndex}_PORT and _BIND_ADDR set it)`;
}

function isOwnAddress(text: string, { address, port }: NonNullable<Route['listener']>): boolean {
  const [, host = '', number = ''] = /^(?:ipv[46]@)?(.*):(\d+)$/.exec(text) ?? [];
  if (Number(number) !== port) return false;
  if (address === undefined) return !host.includes('@') && !host.startsWith('/');
  const bare = host.replace(/^\[(.*)\]$/, '$1') || '*';
  return (parseIpAddress(bare)?.text ?? bare) === address;
}
