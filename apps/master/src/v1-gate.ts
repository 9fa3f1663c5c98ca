import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { type CallRefusal, findCallRefusal } from '#platform';
import { Intake, MAX_WAITING_REQUESTS } from './intake.js';
import { MasterService } from './master.service.js';
import { acceptForms } from './operator-api/form-bodies.js';

/** How long a request may wait for recovery: some clients retry a 503 without any back-off. */
const RECOVERY_WAIT_MS = 1_000;
const V1_PATH = /^(?:\/master)?\/api\/v1(?:\/(?:scheduler|agent|operator))?\/?$/;
const AGENT_PATH = '/api/v1/agent';
/**
 * Largest body of an agent's call. Its SUBSCRIBE brings all its tasks back at once, several KiB each: an agent over the
 * limit could never return. Enough for 10,000 tasks; all other bodies have the limit of every daemon.
 */
export const AGENT_BODY_LIMIT_BYTES = 64 * 1024 * 1024;

/**
 * The checks of the v1 endpoints that come before the body, in Mesos' order: leadership (307, 503), method (405),
 * content type (400 missing, 415 other). Heavy requests wait for their turn. Also gives agents' calls their own limit of
 * size, and the old endpoints their forms.
 */
export function installV1Gate(app: NestFastifyApplication): void {
  acceptForms(app);
  const master = app.get(MasterService);
  const intake = new Intake();
  const server = app.getHttpAdapter().getInstance();
  server.addHook('onRoute', (route) => {
    if (route.url === AGENT_PATH) route.bodyLimit = AGENT_BODY_LIMIT_BYTES;
  });
  server.addHook('onRequest', async (request, reply) => {
    const path = pathOf(request.url);
    if (!V1_PATH.test(path)) return;
    const admission = intake.admit(request.raw);
    if (admission !== undefined && admission !== false) await admission;
    const refusal = admission === false ? OVERRUN : await checkRequest(master, request, path);
    if (refusal === undefined) return;
    const { status, message, headers } = refusal;
    // An unread body would be taken for the next request on this connection.
    const close = { connection: 'close' };
    return reply
      .code(status)
      .headers({ ...headers, ...(status === 307 ? {} : close) })
      .send({ message });
  });
}

const pathOf = (url: string): string => url.split('?', 1)[0] ?? '';

const OVERRUN: CallRefusal = {
  status: 503,
  message: `${MAX_WAITING_REQUESTS} requests wait to be read already`,
  headers: { 'retry-after': '1' },
};

async function checkRequest(
  master: MasterService,
  request: {
    readonly method: string;
    readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  },
  path: string,
): Promise<CallRefusal | undefined> {
  const standing = await master.settled(RECOVERY_WAIT_MS);
  if (standing.kind === 'standby') return redirect(standing.leaderUrl, path);
  return findCallRefusal(request);
}

/** 307 to the leader, scheme-relative as clients expect; 503 while nobody is known to lead. */
export function redirect(leaderUrl: string | undefined, path: string): CallRefusal {
  if (leaderUrl === undefined) {
    return { status: 503, message: 'No leader elected', headers: { 'retry-after': '1' } };
  }
  return {
    status: 307,
    message: `the leader is ${leaderUrl}`,
    headers: { location: `//${new URL(leaderUrl).host}${path}` },
  };
}
