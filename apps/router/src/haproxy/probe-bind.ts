import { access, constants } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { type BindAddress, EVERYWHERE, isAddressShared, toSocketAddress } from '#routing';

/** Of a range of ports so many are tried. */
const MAX_PORTS = 64;

/** Where one address of a bind line is. `other`: only HAProxy can tell. */
type BindPlace =
  | { readonly kind: 'port'; readonly host: string; readonly ports: readonly number[] }
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'other' };

/** Words of a bind line after which its address is in another world. */
const ELSEWHERE: ReadonlySet<string> = new Set(['namespace', 'transparent']);

/**
 * Why HAProxy could not listen there; undefined: it can, or only HAProxy can tell. `held`: the bind addresses of the running
 * HAProxy, which passes its own on to its next worker.
 */
export async function explainUnbindable(
  { address, parameters }: BindAddress,
  held: ReadonlySet<string>,
): Promise<string | undefined> {
  if (held.has(address) || parameters.some((word) => ELSEWHERE.has(word))) return undefined;
  const place = readBindAddress(address);
  if (place.kind === 'path') return explainPath(place.path);
  if (place.kind === 'other') return undefined;
  for (const port of place.ports) {
    const code = await bindError(place.host, port);
    if (code === undefined || (code === IN_USE && isOwn(place.host, port, held))) continue;
    return `cannot listen on ${address}: ${REASONS[code] ?? code}`;
  }
  return undefined;
}

/** Whether one can be listened on now. `held`: as in {@link explainUnbindable}. */
export async function canListen(
  host: string,
  port: number,
  held: ReadonlySet<string> = new Set(),
): Promise<boolean> {
  if (held.has(toSocketAddress(host, port))) return true;
  const code = await bindError(host, port);
  return code === undefined || (code === IN_USE && isOwn(host, port, held));
}

const IN_USE = 'EADDRINUSE';
const REASONS: Readonly<Record<string, string | undefined>> = {
  [IN_USE]: 'another program has it',
  EADDRNOTAVAIL: 'that is no address of this host',
  EACCES: 'that is not allowed to the user of the router',
};

/** Whether HAProxy itself keeps others from there: it may listen once more where it does already. */
function isOwn(host: string, port: number, held: ReadonlySet<string>): boolean {
  return [...held].some((one) => {
    const place = readBindAddress(one);
    return (
      place.kind === 'port' &&
      place.ports.includes(port) &&
      isAddressShared(place.host || EVERYWHERE, host || EVERYWHERE)
    );
  });
}

/** As HAProxy reads the address of a bind line: a family before `@`, and a port or a range of ports behind the last colon. */
function readBindAddress(address: string): BindPlace {
  const [, family, rest = ''] = /^(?:([a-z0-9]+)@)?(.*)$/s.exec(address) ?? [];
  if (family === 'unix' || (family === undefined && rest.startsWith('/'))) {
    return { kind: 'path', path: rest };
  }
  const [, host, first, last = first] = /^(.*):(\d{1,5})(?:-(\d{1,5}))?$/s.exec(rest) ?? [];
  const isKnown = family === undefined || family === 'ipv4' || family === 'ipv6';
  if (!isKnown || host === undefined || /[$"'\\]/.test(host)) return { kind: 'other' };
  const count = Math.min(Number(last) - Number(first) + 1, MAX_PORTS);
  const ports = Array.from({ length: Math.max(count, 0) }, (_, index) => Number(first) + index);
  return { kind: 'port', host: host.replace(/^\[(.*)\]$/, '$1'), ports };
}

/** The code of what goes wrong while something listens there for a moment; undefined: nothing does. */
function bindError(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve('code' in error ? String(error.code) : error.message));
    const address = host === '' || host === '*' ? '0.0.0.0' : host;
    server.listen({ host: address, port, exclusive: true }, () =>
      server.close(() => resolve(undefined)),
    );
  });
}

/** HAProxy makes a socket beside the path and puts it in its place. */
async function explainPath(path: string): Promise<string | undefined> {
  try {
    await access(dirname(path), constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return `cannot listen on ${path}: ${reason}`;
  }
}
