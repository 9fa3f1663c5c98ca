import { EventEmitter } from 'node:events';
import type { FastifyReply } from 'fastify';
import { describe, expect, it } from 'vitest';
import { SseHub } from './sse-hub.js';

/** A reply whose socket takes everything, or nothing when `stuck`. */
function aReply({ stuck = false } = {}) {
  const written: string[] = [];
  const raw = Object.assign(new EventEmitter(), {
    destroyed: false,
    writableEnded: false,
    writableLength: 0,
    writeHead: () => undefined,
    flushHeaders: () => undefined,
    write: (text: string) => {
      written.push(text);
      if (stuck) raw.writableLength += text.length;
    },
    end: () => {
      raw.writableEnded = true;
      raw.emit('close');
    },
    destroy: () => {
      raw.destroyed = true;
      raw.emit('close');
    },
  });
  const reply = { hijack: () => undefined, raw } as unknown as FastifyReply;
  return { reply, written, raw };
}

describe('SseHub', () => {
  it('writes one frame to everybody, and only the types a reader asked for', () => {
    const hub = new SseHub();
    const all = aReply();
    const some = aReply();
    hub.add(all.reply);
    hub.add(some.reply, { types: new Set(['b']) });

    hub.publish({ type: 'a', data: '{"n":1}', id: 7 });
    hub.publish({ type: 'b', data: '{}' });

    expect(all.written).toEqual(['id: 7\nevent: a\ndata: {"n":1}\n\n', 'event: b\ndata: {}\n\n']);
    expect(some.written).toEqual(['event: b\ndata: {}\n\n']);
    hub.close();
  });

  it('replays before what came meanwhile, each event once', () => {
    const hub = new SseHub();
    const { reply, written } = aReply();
    const client = hub.add(reply, { hold: true });

    hub.publish({ type: 'a', data: '3', id: 3 });
    hub.publish({ type: 'a', data: '4', id: 4 });
    client.release([2, 3].map((id) => ({ type: 'a', data: String(id), id })));
    hub.publish({ type: 'a', data: '5', id: 5 });

    expect(written.map((frame) => /id: (\d+)/.exec(frame)?.[1])).toEqual(['2', '3', '4', '5']);
    hub.close();
  });

  it('disconnects a reader that does not keep up, and no other', () => {
    const ends: string[] = [];
    const hub = new SseHub({ maxBufferedBytes: 100, onLeave: (end) => ends.push(end) });
    const slow = aReply({ stuck: true });
    const quick = aReply();
    hub.add(slow.reply);
    hub.add(quick.reply);

    for (let id = 1; id <= 10; id += 1) hub.publish({ type: 'a', data: 'x'.repeat(20), id });

    expect(slow.raw.destroyed).toBe(true);
    expect(quick.written).toHaveLength(10);
    expect(ends).toEqual(['too-slow']);
    expect(hub.size).toBe(1);
    hub.close();
  });

  it('ends its streams when it is closed', () => {
    const ends: string[] = [];
    const hub = new SseHub({ onLeave: (end) => ends.push(end) });
    hub.add(aReply().reply);

    hub.close();

    expect([hub.size, ends]).toEqual([0, ['ended']]);
  });
});
