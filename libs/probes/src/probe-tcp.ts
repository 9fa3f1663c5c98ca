import { connect } from 'node:net';
import type { ProbeTarget } from '#core';
import type { Connect } from './connect.js';
import type { Observation } from './observation.js';

/** Passes once the connection stands; nothing is sent. */
export async function probeTcp(
  { host, port }: Extract<ProbeTarget, { kind: 'tcp' }>,
  signal: AbortSignal,
  inside?: Connect,
): Promise<Observation> {
  const passed: Observation = { passed: true, detail: `connected to port ${port}` };
  if (inside !== undefined) {
    (await inside(port)).destroy();
    return passed;
  }
  const socket = connect({ host: host.replace(/^\[(.*)\]$/, '$1'), port });
  const stop = (): void => void socket.destroy();
  signal.addEventListener('abort', stop);
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.on('error', reject);
    });
    return passed;
  } finally {
    signal.removeEventListener('abort', stop);
    socket.destroy();
  }
}
