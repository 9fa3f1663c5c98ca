import type { RouteListener } from './route-table.js';

/** Listening here is listening on every address. */
export const EVERYWHERE = '*';

/** `::` too: where the system does not say otherwise it takes the port of IPv4 as well. */
const EVERY_ADDRESS: ReadonlySet<string> = new Set([EVERYWHERE, '0.0.0.0', '::']);

/** Whether two cannot listen on one port: on the same address, or one of them on all. */
export const isAddressShared = (left: string, right: string): boolean =>
  left === right || EVERY_ADDRESS.has(left) || EVERY_ADDRESS.has(right);

/** Names a listener whatever its clients say: `address:port`. */
export const listenerKey = ({
  address = EVERYWHERE,
  port,
}: Pick<RouteListener, 'address' | 'port'>): `${string}:${number}` => `${address}:${port}`;
