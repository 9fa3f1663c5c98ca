import { type ClientRequest, request as openRequest } from 'node:http';

/** One event as it came by the stream. */
export interface ReadEvent {
  /** Undefined: it is not stored. */
  readonly id: number | undefined;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A reader of /v2/events. */
export class EventReader {
  readonly events: ReadEvent[] = [];
  isClosed = false;
  private rest = '';
  private wake: () => void = () => undefined;

  private constructor(private readonly request: ClientRequest) {}

  static open(
    port: number,
    path = '/v2/events',
    headers: Readonly<Record<string, string>> = {},
  ): Promise<EventReader> {
    return new Promise((resolve, reject) => {
      const accept = 'text/event-stream';
      const options = { host: '127.0.0.1', port, path, headers: { accept, ...headers } };
      const request = openRequest(options, (response) => {
        const reader = new EventReader(request);
        response.setEncoding('utf8');
        response.on('data', (text: string) => reader.take(text));
        response.on('error', () => undefined);
        response.on('close', () => {
          reader.isClosed = true;
          reader.wake();
        });
        resolve(reader);
      });
      request.once('error', reject).end();
    });
  }

  /** Waits until it is so; the test's own limit is the bound. */
  async until(isTrue: (events: readonly ReadEvent[]) => boolean): Promise<readonly ReadEvent[]> {
    while (!isTrue(this.events)) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    return this.events;
  }

  untilType = async (type: string): Promise<ReadEvent> => {
    const all = await this.until((events) => events.some((event) => event.type === type));
    return all.find((event) => event.type === type) as ReadEvent;
  };

  close(): void {
    this.request.destroy();
  }

  private take(text: string): void {
    const frames = (this.rest + text).split('\n\n');
    this.rest = frames.pop() ?? '';
    for (const frame of frames) {
      const type = /^event: (.*)$/m.exec(frame)?.[1];
      if (type === undefined) continue;
      const id = /^id: (\d+)$/m.exec(frame)?.[1];
      const data = /^data: (.*)$/m.exec(frame)?.[1] ?? 'null';
      this.events.push({
        id: id === undefined ? undefined : Number(id),
        type,
        data: JSON.parse(data),
      });
    }
    this.wake();
  }
}
