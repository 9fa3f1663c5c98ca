import { Agent as HttpAgent, request } from 'node:http';
import { RecordDecoder, type SchedulerEvent } from '#mesos-v1';

const POOL_SIZE = 16;
const RETRY_MS = 200;

/**
 * Frameworks that want nothing: each has a stream of its own and declines whatever it is offered, for `refuseSeconds`,
 * so that all agents are offered anew again and again.
 */
export function startDecliners(options: {
  readonly masterUrl: string;
  readonly count: number;
  readonly refuseSeconds: number;
  readonly onAllSubscribed: () => void;
}): void {
  const pool = new HttpAgent({ keepAlive: true, maxSockets: POOL_SIZE });
  let subscribed = 0;
  const post = (body: object, headers: Readonly<Record<string, string>>, agent?: HttpAgent) => {
    const text = JSON.stringify(body);
    const call = request(`${options.masterUrl}/api/v1/scheduler`, {
      method: 'POST',
      agent: agent ?? false,
      headers: {
        ...headers,
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(text),
      },
    });
    // The master's end is seen by who measures.
    call.on('error', () => undefined);
    call.end(text);
    return call;
  };
  const subscribe = (index: number) => {
    const framework_info = { user: 'root', name: `decliner-${index}`, failover_timeout: 3600 };
    const call = post({ type: 'SUBSCRIBE', subscribe: { framework_info } }, {});
    call.on('response', (response) => {
      if (response.statusCode !== 200) {
        response.resume();
        setTimeout(() => subscribe(index), RETRY_MS);
        return;
      }
      const streamId = String(response.headers['mesos-stream-id']);
      const decoder = new RecordDecoder();
      let framework_id = { value: '' };
      response.on('error', () => undefined);
      response.on('data', (chunk: Buffer) => {
        for (const record of decoder.push(chunk)) {
          // Our own master's events need no check here.
          const event = JSON.parse(Buffer.from(record).toString()) as SchedulerEvent;
          if (event.type === 'SUBSCRIBED') {
            framework_id = { value: event.subscribed.framework_id.value };
            subscribed += 1;
            if (subscribed === options.count) options.onAllSubscribed();
          }
          if (event.type !== 'OFFERS') continue;
          const offer_ids = event.offers.offers.map(({ id }) => id);
          const filters = { refuse_seconds: options.refuseSeconds };
          const decline = { type: 'DECLINE', framework_id, decline: { offer_ids, filters } };
          const answered = post(decline, { 'mesos-stream-id': streamId }, pool);
          answered.on('response', (one) => one.resume());
        }
      });
    });
  };
  for (let index = 0; index < options.count; index += 1) subscribe(index);
}
