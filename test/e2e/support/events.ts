/** One event of /v2/events as a test sees it. */
export interface SeenEvent {
  readonly id: number | undefined;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** performance.now() when it arrived. */
  readonly atMs: number;
}

/** Follows /v2/events until closed, keeping everything seen. */
export async function followEvents(
  url: string,
  options: {
    readonly onEvent?: (event: SeenEvent) => void;
    readonly headers?: Readonly<Record<string, string>>;
    readonly query?: string;
  } = {},
): Promise<{ readonly seen: SeenEvent[]; readonly close: () => void }> {
  const controller = new AbortController();
  const response = await fetch(`${url}/v2/events${options.query ?? ''}`, {
    headers: { accept: 'text/event-stream', ...options.headers },
    signal: controller.signal,
  });
  if (!response.ok || response.body === null) throw new Error(`events: ${response.status}`);
  const seen: SeenEvent[] = [];
  const body = response.body;
  const read = async (): Promise<void> => {
    const decoder = new TextDecoder();
    let text = '';
    for await (const chunk of body) {
      text += decoder.decode(chunk, { stream: true });
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const event = parseBlock(block);
        if (event === undefined) continue;
        seen.push(event);
        options.onEvent?.(event);
      }
    }
  };
  read().catch(() => undefined); // Closed, by us or by the end of the controller.
  return { seen, close: () => controller.abort() };
}

function parseBlock(block: string): SeenEvent | undefined {
  const field = (name: string): string | undefined =>
    new RegExp(`^${name}: ?(.*)$`, 'm').exec(block)?.[1];
  const data = field('data');
  if (data === undefined) return undefined;
  const id = field('id');
  return {
    id: id === undefined ? undefined : Number(id),
    type: field('event') ?? 'message',
    data: JSON.parse(data) as Record<string, unknown>,
    atMs: performance.now(),
  };
}
