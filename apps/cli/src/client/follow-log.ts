import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { explain, RequestError } from './api-client.js';
import { authorizationHeader } from './own-credential.js';
import { resourcePath } from './resource-path.js';
import { openStream } from './send-request.js';

const RECONNECT_PAUSE_MS = 1_000;
/** A controller or agent that is started again is back within it. */
const MAX_RECONNECTS = 60;
const REFUSED_FOR_NOW: ReadonlySet<number> = new Set([502, 503, 504]);

/**
 * Prints a file of a task as it grows, from `offset` on, until its task has ended. A connection that breaks is made anew and
 * goes on where it was. Rejects with what the API said when it refuses, or when nobody has answered for a minute.
 */
export async function followLog(given: {
  readonly url: string;
  readonly task: string;
  readonly file: string;
  readonly offset: number;
}): Promise<void> {
  const url = new URL(`${resourcePath('/v2/tasks', given.task)}/files/follow`, given.url);
  url.searchParams.set('path', given.file);
  let { offset } = given;
  let failures = 0;
  for (;;) {
    url.searchParams.set('offset', String(offset));
    try {
      for await (const { type, id, data } of readEvents(url)) {
        failures = 0;
        if (type === 'end') return;
        await print((JSON.parse(data) as { readonly data: string }).data);
        offset = Number(id);
      }
    } catch (error) {
      const isFinal = error instanceof RequestError && !REFUSED_FOR_NOW.has(error.status);
      if (isFinal || failures >= MAX_RECONNECTS) throw error;
    }
    failures += 1;
    await sleep(RECONNECT_PAUSE_MS);
  }
}

async function print(added: string): Promise<void> {
  if (!process.stdout.write(added)) await once(process.stdout, 'drain');
}

interface StreamEvent {
  readonly type: string;
  readonly id: string;
  readonly data: string;
}

/** The events of a server-sent stream; ends with its connection. */
async function* readEvents(url: URL): AsyncGenerator<StreamEvent> {
  const response = await openStream(url, {
    accept: 'text/event-stream',
    ...authorizationHeader(process.env),
  });
  const { statusCode: status = 0 } = response;
  if (status < 200 || status > 299) {
    throw new RequestError(status, explain(status, await text(response)));
  }
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of response) {
    rest += decoder.decode(chunk, { stream: true });
    const blocks = rest.split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const read = (field: string): string | undefined =>
        block
          .split('\n')
          .find((line) => line.startsWith(`${field}: `))
          ?.slice(field.length + 2);
      const data = read('data');
      if (data !== undefined)
        yield { type: read('event') ?? 'message', id: read('id') ?? '', data };
    }
  }
}
