/**
 * Web servers behind an edge, one for each name among the arguments (or VERSION), told by their environment. Each answers with what it was
 * asked, as JSON; what it was asked is written to the file RECORD before it is answered, so that it is known after a SIGKILL too.
 * `?ms=` delays an answer, /location?to= sends elsewhere, an upgrade gets back whatever it sends. PORT, or a free one each, which
 * is printed. On SIGTERM it ends at once, whatever it is doing.
 */
import { createHash } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';

const { VERSION = 'web', PORT = '0', RECORD } = process.env;
const names = process.argv.length > 2 ? process.argv.slice(2) : [VERSION];
/** Longer than any test: who closes an idle connection is not what is tested. */
const KEEP_ALIVE_MS = 120_000;

function record(name, { method, url, headers }) {
  if (RECORD === undefined) return;
  const request = headers['x-request'] ?? '';
  const line = JSON.stringify({ name, pid: process.pid, method, url, request, atMs: Date.now() });
  appendFileSync(RECORD, `${line}\n`);
}

function answer(name, request, response) {
  const url = new URL(request.url, 'http://instance');
  if (url.pathname === '/health') return response.end('ok');
  record(name, request);
  let body = '';
  request.on('data', (chunk) => {
    body += chunk;
  });
  request.on('end', () => {
    const { method, headers } = request;
    const text = JSON.stringify({ name, method, url: request.url, headers, body });
    setTimeout(
      () => {
        if (url.pathname === '/location') {
          response.writeHead(302, { location: url.searchParams.get('to') ?? '/' });
        } else response.setHeader('content-type', 'application/json');
        response.end(text);
      },
      Number(url.searchParams.get('ms') ?? 0),
    );
  });
}

function upgrade(name, request, socket) {
  record(name, request);
  const accept = createHash('sha1')
    .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
  );
  socket.on('error', () => undefined);
  socket.pipe(socket);
}

process.on('SIGTERM', () => process.exit(0));
for (const name of names) {
  const server = createServer((request, response) => answer(name, request, response));
  server.on('upgrade', (request, socket) => upgrade(name, request, socket));
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.listen(Number(PORT), () => {
    console.log(JSON.stringify({ name, port: server.address().port }));
  });
}
