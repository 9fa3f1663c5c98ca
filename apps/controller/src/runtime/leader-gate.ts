import type { FastifyInstance } from 'fastify';
import { isUpgrade } from '#platform';
import type { ControllerRuntime } from './controller-runtime.js';
import { proxyToLeader, tunnelToLeader } from './leader-proxy.js';

export interface LeaderGateOptions {
  readonly runtime: ControllerRuntime;
  /** The leader's URL while another controller leads. */
  readonly leaderUrl: () => string | undefined;
  /** How long a request waits for a leader to be known and loaded. Marathon: about 10 x 250 ms. */
  readonly loadWaitMs?: number;
}

const LOAD_WAIT_MS = 2_500;
const POLL_MS = 250;
/** Set by a standby on what it passes on; seen by a standby it means that nobody leads. */
const VIA_HEADER = 'x-marathon-via';

/**
 * Decides for each API request who answers it: this controller if it leads, else the leader by proxy. While nobody is
 * known to lead, or the leader's state is still loading, requests wait a little and then get 503.
 */
export function addLeaderGate(server: FastifyInstance, options: LeaderGateOptions): void {
  const { runtime } = options;
  server.addHook('onRequest', async (request, reply) => {
    if (runtime.isLoaded || !request.url.startsWith('/v2/')) return;
    if (request.headers[VIA_HEADER] === undefined) {
      const url = await findLeader(options);
      if (url !== undefined) {
        const target = { leaderUrl: url, via: runtime.authority };
        if (isUpgrade(request.raw)) await tunnelToLeader(request, reply, target);
        else proxyToLeader(request, reply, target);
        return;
      }
    }
    if (runtime.isLoaded) return;
    if (request.method === 'GET' && /^\/v2\/leader\/?(\?|$)/.test(request.url)) {
      await reply.code(404).send({ message: 'There is no leader' });
      return;
    }
    const message =
      otherLeader(options) === undefined
        ? 'Could not determine the current leader, or it is still loading its state; try again'
        : 'This controller does not lead and was asked by another that does not';
    await reply.code(503).header('retry-after', '1').send({ message });
  });
}

/** Undefined: this controller has become the leader, or nobody has within the limit. */
async function findLeader(options: LeaderGateOptions): Promise<string | undefined> {
  const limitMs = options.loadWaitMs ?? LOAD_WAIT_MS;
  for (let waitedMs = 0; ; waitedMs += POLL_MS) {
    const url = otherLeader(options);
    if (url !== undefined || options.runtime.isLoaded || waitedMs >= limitMs) return url;
    await options.runtime.whenLoaded(Math.min(POLL_MS, limitMs));
  }
}

/** After a crash the lease still names us for a moment: that is nobody to ask, and soon over. */
function otherLeader({ leaderUrl, runtime }: LeaderGateOptions): string | undefined {
  const url = leaderUrl();
  return url === runtime.origin ? undefined : url;
}
