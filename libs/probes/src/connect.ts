import type { Duplex } from 'node:stream';
import type { InsideNetwork } from '#core';

/** Connects to a port of the target from inside its own network. */
export type Connect = (port: number) => Promise<Duplex>;

/** What connects lets go of the stream when `signal` fires, also of one that comes only then. */
export const connectInside =
  ({ dial, host }: InsideNetwork, signal: AbortSignal): Connect =>
  async (port) => {
    // On this platform that is what streams are.
    const stream = (await dial({ host, port }, signal)) as Duplex;
    stream.on('error', () => undefined);
    const destroy = (): void => void stream.destroy();
    if (signal.aborted) destroy();
    else signal.addEventListener('abort', destroy, { once: true });
    return stream;
  };
