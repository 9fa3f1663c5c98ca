/**
 * A web server for load, told by its environment: answers `VERSION` and whatever was posted to it; /slow takes its time
 * over a body it has begun. On SIGTERM it ends at once, whatever it was doing, or with STOPS=gracefully when it is done.
 * HEALTH=never makes it unhealthy from the start, a request for /fall-ill later on; FATE=ends lets it end by itself.
 */
import { createServer } from 'node:http';

const { VERSION, PORT, STOPS, HEALTH, FATE } = process.env;
const SLOW_MS = 300;
/** Longer than any test: who closes an idle connection is not what is tested. */
const KEEP_ALIVE_MS = 120_000;
let isHealthy = HEALTH !== 'never';

const server = createServer((request, response) => {
  if (request.url === '/health') return answer(response, isHealthy ? 200 : 503, '');
  if (request.url === '/fall-ill') {
    isHealthy = false;
    return answer(response, 200, '');
  }
  let body = '';
  request.on('data', (chunk) => {
    body += chunk;
  });
  request.on('end', () => {
    if (request.url !== '/slow') return answer(response, 200, `${VERSION} ${body}`);
    response.write(VERSION);
    setTimeout(() => response.end(` ${body}`), SLOW_MS);
  });
});

function answer(response, status, body) {
  response.writeHead(status);
  response.end(body);
}

process.on('SIGTERM', () => {
  if (STOPS !== 'gracefully') process.exit(0);
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
server.keepAliveTimeout = KEEP_ALIVE_MS;
server.listen(Number(PORT));
if (FATE === 'ends') setTimeout(() => process.exit(1), SLOW_MS);
