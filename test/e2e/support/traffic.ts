import { Agent, request as httpRequest } from 'node:http';

export interface TrafficReport {
  readonly requests: number;
  /** What went wrong, by description. */
  readonly failures: ReadonlyMap<string, number>;
  /** Answers by body. */
  readonly bodies: ReadonlyMap<string, number>;
}

/**
 * Clients that ask the edge until stopped: half on kept-alive connections, half on a new connection each. Anything
 * but 200 is a failure.
 */
export function startTraffic(
  url: string,
  options: { readonly host: string; readonly clients: number },
): { readonly stop: () => Promise<TrafficReport> } {
  const failures = new Map<string, number>();
  const bodies = new Map<string, number>();
  let requests = 0;
  let isRunning = true;
  const count = (map: Map<string, number>, key: string): void => {
    map.set(key, (map.get(key) ?? 0) + 1);
  };
  const ask = (agent: Agent | false): Promise<void> =>
    new Promise((resolve) => {
      const outgoing = httpRequest(
        url,
        { agent, headers: { host: options.host }, timeout: 10_000 },
        (response) => {
          let body = '';
          response.on('data', (chunk: Buffer) => {
            body += chunk.toString();
          });
          response.on('error', () => undefined);
          response.on('close', () => {
            if (response.statusCode === 200 && response.complete) count(bodies, body.trim());
            else count(failures, `status ${response.statusCode} ${response.complete ? '' : 'cut'}`);
            resolve();
          });
        },
      );
      outgoing.on('timeout', () => outgoing.destroy(new Error('timeout')));
      outgoing.on('error', (error) => {
        count(failures, error.message);
        resolve();
      });
      outgoing.end();
    });
  const client = async (isKeptAlive: boolean): Promise<void> => {
    const agent = isKeptAlive ? new Agent({ keepAlive: true, maxSockets: 1 }) : false;
    while (isRunning) {
      requests += 1;
      await ask(agent);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    if (agent !== false) agent.destroy();
  };
  const clients = Array.from({ length: options.clients }, (_, index) => client(index % 2 === 0));
  return {
    stop: async () => {
      isRunning = false;
      await Promise.all(clients);
      return { requests, failures, bodies };
    },
  };
}
