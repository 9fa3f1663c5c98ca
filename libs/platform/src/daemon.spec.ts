import { request } from 'node:http';
import { connect } from 'node:net';
import { Body, Controller, Get, Module, Param, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StoreUnavailableError } from '#core';
import { ApiError } from './api-error.js';
import { createDaemon } from './create-daemon.js';
import type { Daemon } from './daemon.js';
import { createLogger } from './logger.js';
import { RecordIoStream } from './record-io-stream.js';

@Controller('things')
class ThingsController {
  @Get(':id')
  read(@Param('id') id: string): { id: string } {
    if (id === 'locked') throw new ApiError(409, 'locked', { extra: { deployments: [] } });
    if (id === 'away') throw new StoreUnavailableError('the database cannot be reached');
    if (id === 'broken') throw new Error('secret text');
    return { id };
  }

  @Post()
  write(@Body() body: unknown): unknown {
    return { body: body ?? null };
  }

  @Post('stream')
  stream(@Res() reply: FastifyReply): void {
    const stream = new RecordIoStream(reply, { headers: { 'x-stream': '1' } });
    stream.send({ type: 'A', text: 'ä' });
    stream.queue('{"type":"B"}');
    stream.queue('{"type":"C"}');
    stream.flush();
    stream.queue('{"type":"D"}');
    stream.end();
  }
}

@Module({ controllers: [ThingsController] })
class ThingsModule {}

let daemon: Daemon;
beforeAll(async () => {
  daemon = await createDaemon({
    name: 'things',
    module: ThingsModule,
    host: '127.0.0.1',
    port: 0,
    logger: createLogger('things', 'silent'),
  });
});
afterAll(() => daemon.close());

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** Sends any header, which fetch does not. */
function call(
  method: string,
  path: string,
  options: { readonly headers?: Record<string, string>; readonly body?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      `${daemon.url}${path}`,
      { method, headers: options.headers ?? {} },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
        );
      },
    );
    sent.on('error', reject);
    sent.end(options.body);
  });
}

const json = { 'content-type': 'application/json' };

describe('a daemon', () => {
  it('answers /ping and serves metrics', async () => {
    const ping = await call('GET', '/ping');
    const metrics = await call('GET', '/metrics');

    expect(ping.text).toBe('pong');
    expect(metrics.text).toContain('process_cpu_seconds_total');
  });

  it('leads browsers that open its address to the documentation', async () => {
    const answer = await call('GET', '/');

    expect([answer.status, answer.headers['location']]).toEqual([302, '/docs']);
  });

  it('describes its API once somebody asks', async () => {
    const answer = await call('GET', '/docs/json');

    expect(Object.keys(JSON.parse(answer.text).paths)).toContain('/things/{id}');
  });

  it('keeps the members an ApiError adds to the body', async () => {
    const answer = await call('GET', '/things/locked');

    expect(answer.status).toBe(409);
    expect(JSON.parse(answer.text)).toEqual({ message: 'locked', deployments: [] });
  });

  it('answers 503 with Retry-After while the database is away', async () => {
    const answer = await call('GET', '/things/away');

    expect(answer.status).toBe(503);
    expect(answer.headers['retry-after']).toBe('1');
  });

  it.each(['%zz', '%'])(
    'answers an address that cannot be decoded like all else: %s',
    async (id) => {
      const answer = await call('GET', `/things/${id}`);

      expect(answer.status).toBe(400);
      expect(JSON.parse(answer.text)).toEqual({
        message: `'/things/${id}' is not a valid url component`,
      });
    },
  );

  it('keeps the text of our own faults to the log', async () => {
    const answer = await call('GET', '/things/broken');

    expect(answer.status).toBe(500);
    expect(answer.text).not.toContain('secret');
  });

  it('tells an unknown URI from a wrong method', async () => {
    const unknown = await call('GET', '/nothing');
    const wrong = await call('DELETE', '/things/a');

    expect([unknown.status, JSON.parse(unknown.text)]).toEqual([404, { message: 'URI not found' }]);
    expect([wrong.status, wrong.headers['allow']]).toEqual([405, 'GET, HEAD']);
  });

  it('says where a body is not JSON', async () => {
    const answer = await call('POST', '/things', { headers: json, body: '{"a":' });

    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.text)).toEqual({
      message: 'Invalid JSON',
      details: expect.stringMatching(/JSON/),
    });
  });

  it.each([
    '{"__proto__":{"x":1}}',
    '{"\\u005f_proto__":{"x":1}}',
    '{"constructor":{"prototype":{"x":1}}}',
  ])('refuses a body that reaches for a prototype: %s', async (body) => {
    const answer = await call('POST', '/things', { headers: json, body });

    expect([answer.status, JSON.parse(answer.text).message]).toEqual([400, 'Invalid JSON']);
  });

  it('takes an empty JSON body as no body', async () => {
    const answer = await call('POST', '/things', { headers: json });

    expect(JSON.parse(answer.text)).toEqual({ body: null });
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
    'refuses a body of type %s, which a web page could post',
    async (type) => {
      const answer = await call('POST', '/things', {
        headers: { 'content-type': type },
        body: 'x',
      });

      expect(answer.status).toBe(415);
    },
  );

  it('refuses a body without a content type', async () => {
    const answer = await call('POST', '/things', { body: '{}' });

    expect(answer.status).toBe(415);
  });

  it('names the limit when a body is too large', async () => {
    const body = `"${'x'.repeat(9 * 1024 * 1024)}"`;
    const answer = await call('POST', '/things', {
      headers: { ...json, 'content-length': String(body.length) },
      body,
    });

    expect(answer.status).toBe(413);
    expect(answer.text).toContain('8388608');
  });

  it('reads a body it refuses to its end, so that the client can read why', async () => {
    const half = 'x'.repeat(5 * 1024 * 1024);
    const socket = connect(daemon.port, '127.0.0.1').setEncoding('utf8');
    let received = '';
    socket.on('data', (chunk: string) => {
      received += chunk;
    });
    socket.write(
      `POST /things HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${2 * half.length}\r\n\r\n`,
    );
    await new Promise((resolve) => socket.write(half, resolve));
    await call('GET', '/ping');
    const early = received;

    socket.write(half);
    await new Promise((resolve, reject) => socket.on('end', resolve).on('error', reject));

    expect(early).toBe('');
    expect(received).toMatch(/^HTTP\/1.1 413 /);
  });

  it('refuses a Host and an Origin that are not ours', async () => {
    const host = await call('GET', '/ping', { headers: { host: 'evil.example:8080' } });
    const origin = await call('POST', '/things', {
      headers: { ...json, origin: 'http://evil.example' },
      body: '{}',
    });

    expect([host.status, origin.status]).toEqual([403, 403]);
  });

  it('accepts its own Origin and any name under localhost', async () => {
    const own = await call('POST', '/things', {
      headers: { ...json, origin: daemon.url },
      body: '{}',
    });
    const local = await call('GET', '/ping', { headers: { host: 'pacer.localhost:1' } });

    expect([own.status, local.status]).toEqual([201, 200]);
  });

  const readStream = (version: string, connection: string) =>
    new Promise<string>((resolve, reject) => {
      const socket = connect(daemon.port, '127.0.0.1', () =>
        socket.write(
          `POST /things/stream HTTP/${version}\r\nHost: localhost\r\nConnection: ${connection}\r\nContent-Length: 0\r\n\r\n`,
        ),
      );
      let received = '';
      socket.setEncoding('utf8');
      socket.on('data', (chunk: string) => {
        received += chunk;
      });
      socket.on('end', () => resolve(received));
      socket.on('error', reject);
    });

  it('writes each record of a stream as one chunk, although the client asks to close', async () => {
    const text = await readStream('1.1', 'close');

    const [head = '', body = ''] = text.split('\r\n\r\n', 2);
    expect(head.toLowerCase()).toContain('transfer-encoding: chunked');
    expect(head.toLowerCase()).not.toContain('content-length');
    expect(body.startsWith('1b\r\n24\n{"type":"A","text":"ä"}\r\n')).toBe(true);
    for (const type of ['B', 'C', 'D']) {
      expect(text).toContain(`\r\nf\r\n12\n{"type":"${type}"}\r\n`);
    }
    expect(text.endsWith('\r\n0\r\n\r\n')).toBe(true);
  });

  it('writes the records of a stream as they are to a client without chunks', async () => {
    const text = await readStream('1.0', 'close');

    const body = text.slice(text.indexOf('\r\n\r\n') + 4);
    expect(body).toBe(
      '24\n{"type":"A","text":"ä"}12\n{"type":"B"}12\n{"type":"C"}12\n{"type":"D"}',
    );
  });

  it('never closes an idle connection', () => {
    const server = daemon.app.getHttpServer();

    expect([server.keepAliveTimeout, server.requestTimeout, server.timeout]).toEqual([0, 0, 0]);
  });
});
