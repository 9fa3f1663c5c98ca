import { networkInterfaces } from 'node:os';

/** At which addresses others reach who listens at `host`: the address itself, or with `*`, `0.0.0.0` and `::` those of this machine. */
export function reachableAddresses(host: string): readonly string[] {
  if (host !== '*' && host !== '0.0.0.0' && host !== '::') return [host];
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const reachable = all.filter(
    ({ internal, address, family }) =>
      !internal && !address.startsWith('fe80:') && (host === '::' || family === 'IPv4'),
  );
  return reachable.length > 0 ? reachable.map(({ address }) => address) : ['127.0.0.1'];
}
