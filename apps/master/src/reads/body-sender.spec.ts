import { once } from 'node:events';
import { createServer, get, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { BodySender } from './body-sender.js';

const READERS = 50;
const CHUNK = Buffer.alloc(64 * 1024, 'x');
const CHUNKS = Array.from({ length: 64 }, () => CHUNK);
const BODY_BYTES = CHUNKS.length * CHUNK.length;

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A server that answers everything with the body, once so many have asked. */
async function serve(sender: BodySender): Promise<string> {
  const responses: ServerResponse[] = [];
  const server = createServer((_request, response) => {
    responses.push(response);
    if (responses.length < READERS) return;
    for (const one of responses.splice(0)) {
      one.writeHead(200, { 'content-length': BODY_BYTES });
      sender.send(one, CHUNKS);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => server.closeAllConnections());
  closing.push(() => server.close());
  // A TCP server has one.
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function read(url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    get(url, (response) => {
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      response.on('end', () => resolve(bytes));
    }).on('error', reject);
  });
}

describe('fifty readers of /state, which must not hold up a launch', () => {
  it('leave everything else its turn after a quantum of sending', async () => {
    let timeMs = 0;
    let turn = 0;
    let isSending = true;
    const advancesByTurn = new Map<number, number>();
    // Each look at the clock finds 0.4 ms gone: the beginning, and one for each that was sent to.
    const clock = (): number => {
      timeMs += 0.4;
      advancesByTurn.set(turn, (advancesByTurn.get(turn) ?? 0) + 1);
      return timeMs;
    };
    const sender = new BodySender({ clock });
    const url = await serve(sender);
    const nextTurn = (): void => {
      turn += 1;
      if (isSending) setImmediate(nextTurn);
    };
    const reading = Promise.all(Array.from({ length: READERS }, () => read(url)));
    while (sender.size < READERS) await new Promise((resolve) => setImmediate(resolve));
    advancesByTurn.clear();
    nextTurn();

    const bytes = await reading;
    isSending = false;

    expect(bytes).toEqual(Array.from({ length: READERS }, () => BODY_BYTES));
    expect(Math.max(...advancesByTurn.values())).toBeLessThanOrEqual(8);
    expect(sender.size).toBe(0);
  });

  it('are sent to a quarter of the time while the master has other work', async () => {
    const turns: { readonly beganMs: number; readonly endMs: number }[] = [];
    let writesMs: number[] = [];
    let work = 0;
    const sender = new BodySender({
      // Asked at the end of each turn.
      work: () => {
        turns.push({ beganMs: writesMs[0] ?? 0, endMs: writesMs.at(-1) ?? 0 });
        writesMs = [];
        work += 1;
        return work;
      },
    });
    const url = await serve({
      send: (raw: ServerResponse, chunks: readonly Buffer[]) => {
        const write = raw.write.bind(raw);
        raw.write = (chunk: unknown) => {
          writesMs.push(performance.now());
          return write(chunk);
        };
        sender.send(raw, chunks);
      },
    } as BodySender);

    await Promise.all(Array.from({ length: READERS }, () => read(url)));

    expect(turns.length).toBeGreaterThan(READERS);
    for (const [index, { beganMs, endMs }] of turns.slice(0, -1).entries()) {
      const restMs = (turns[index + 1]?.beganMs ?? 0) - endMs;
      expect(restMs).toBeGreaterThanOrEqual(3 * (endMs - beganMs));
    }
  });

  it('are written to in the quantum that counts it, not at the end of the turn', async () => {
    const corked: number[] = [];
    const written: ServerResponse[] = [];
    const clock = (): number => {
      corked.push(written.filter((one) => (one.socket?.writableCorked ?? 0) > 0).length);
      return performance.now();
    };
    const sender = new BodySender({ clock });
    const url = await serve({
      send: (raw: ServerResponse, chunks: readonly Buffer[]) => {
        written.push(raw);
        sender.send(raw, chunks);
      },
    } as BodySender);

    await Promise.all(Array.from({ length: READERS }, () => read(url)));

    expect(Math.max(...corked.slice(READERS))).toBeLessThanOrEqual(1);
  });
});
