import { createServer, type Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isListenerFree } from './validate-config.js';

const HOSTS = ['127.0.0.1', '127.0.0.2'];
const NONE: ReadonlySet<string> = new Set();

describe('isListenerFree, while another program listens at 127.0.0.2', () => {
  let server: Server;
  let port: number;

  beforeEach(async () => {
    server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.2', resolve));
    const address = server.address();
    port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  });
  afterEach(() => {
    server.close();
  });

  it('finds the port taken where it is, and free elsewhere', async () => {
    expect(await isListenerFree(HOSTS, { port }, NONE)).toBe(false);
    expect(await isListenerFree(HOSTS, { port, address: '127.0.0.2' }, NONE)).toBe(false);
    expect(await isListenerFree(HOSTS, { port, address: '127.0.0.3' }, NONE)).toBe(true);
    expect(await isListenerFree(['127.0.0.1'], { port }, NONE)).toBe(true);
  });

  it('finds an address taken that is none of this host', async () => {
    expect(await isListenerFree(HOSTS, { port, address: '192.0.2.1' }, NONE)).toBe(false);
  });

  it('does not look where HAProxy listens already', async () => {
    const held = (address: string) => new Set([`${address}:${port}`]);

    expect(await isListenerFree(HOSTS, { port }, held('127.0.0.1'))).toBe(true);
    expect(await isListenerFree(HOSTS, { port, address: '127.0.0.2' }, held('127.0.0.2'))).toBe(
      true,
    );
    expect(await isListenerFree(HOSTS, { port, address: '127.0.0.2' }, held('*'))).toBe(true);
    expect(await isListenerFree(HOSTS, { port, address: '127.0.0.2' }, held('127.0.0.1'))).toBe(
      false,
    );
    // Though HAProxy has the port everywhere, it has no such address either.
    expect(await isListenerFree(HOSTS, { port, address: '192.0.2.77' }, held('*'))).toBe(false);
  });
});
