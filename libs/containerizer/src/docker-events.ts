/** Listens to the engine instead of polling it. After each (re)connection the caller compares everything once. */
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type Dockerode from 'dockerode';
import type { RunKey } from '#core';
import { runOfLabels, SCOPE_LABEL } from './docker-container-config.js';

export interface EngineEvents {
  /** Resolves once the stream stands for the first time; calling it again is harmless. */
  start(): Promise<void>;
  /** How many streams have ended: the engine was stopped, restarted, or could not be reached. */
  readonly lostCount: number;
  close(): void;
}

export interface EngineEvent {
  readonly containerId: string;
  readonly run: RunKey;
}

export interface ContainerDeath extends EngineEvent {
  readonly exitCode?: number;
}

const CONNECT_TIMEOUT_MS = 60_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;
const MAX_LINE_CHARACTERS = 1024 * 1024;

export function createEngineEvents(options: {
  readonly docker: Dockerode;
  readonly scope: string;
  readonly onDeath: (death: ContainerDeath) => void;
  /** Somebody sent it a signal: we, the engine when it stops, or an operator. */
  readonly onSignal: (container: EngineEvent) => void;
  /** Called with each new stream, before any of its events. A failure counts as a lost stream. */
  readonly resync: () => Promise<void>;
}): EngineEvents {
  let started: Promise<void> | undefined;
  let stream: Readable | undefined;
  let closed = false;
  let lostCount = 0;

  const connect = async (): Promise<Readable> => {
    const filters = {
      type: ['container' as const],
      event: ['die', 'kill'],
      label: [`${SCOPE_LABEL}=${options.scope}`],
    };
    // Listening comes first, so nothing falls between the comparison and the first event.
    const giveUp = new AbortController();
    const timer = setTimeout(() => giveUp.abort(), CONNECT_TIMEOUT_MS);
    try {
      const abortSignal = giveUp.signal;
      stream = (await options.docker.getEvents({ filters, abortSignal })) as Readable;
    } finally {
      clearTimeout(timer);
    }
    await options.resync();
    return stream;
  };

  const listen = async (connected: () => void): Promise<void> => {
    for (let pauseMs = FIRST_PAUSE_MS; !closed; ) {
      try {
        const current = await connect();
        connected();
        pauseMs = FIRST_PAUSE_MS;
        await readEvents(current, options);
      } catch {
        // The engine is away or was restarted: the loop connects again.
      }
      stream?.destroy();
      lostCount += 1;
      if (closed) return;
      await sleep(pauseMs * (0.5 + Math.random() / 2), undefined, { ref: false });
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
  };

  return {
    async start() {
      started ??= new Promise<void>((resolve) => void listen(resolve));
      await started;
    },
    get lostCount() {
      return lostCount;
    },
    close() {
      closed = true;
      stream?.destroy();
    },
  };
}

async function readEvents(
  stream: Readable,
  { onDeath, onSignal }: Pick<Parameters<typeof createEngineEvents>[0], 'onDeath' | 'onSignal'>,
): Promise<void> {
  let rest = '';
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    const lines = (rest + chunk.toString('utf8')).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_LINE_CHARACTERS) throw new Error('engine event without an end');
    for (const line of lines) {
      const event = parseEvent(line);
      if (event?.action === 'die') onDeath(event.death);
      if (event?.action === 'kill') onSignal(event.death);
    }
  }
}

/** Undefined for anything but the end of one of our containers, or a signal to it. */
function parseEvent(
  line: string,
): { readonly action: string; readonly death: ContainerDeath } | undefined {
  if (line.trim() === '') return undefined;
  const event = JSON.parse(line) as {
    readonly Action?: string;
    readonly Actor?: { readonly ID?: string; readonly Attributes?: Record<string, string> };
  };
  const containerId = event.Actor?.ID;
  const run = runOfLabels(event.Actor?.Attributes ?? {});
  if (event.Action === undefined || containerId === undefined || run === undefined)
    return undefined;
  const exitCode = Number(event.Actor?.Attributes?.['exitCode']);
  const death = { containerId, run, ...(Number.isInteger(exitCode) ? { exitCode } : {}) };
  return { action: event.Action, death };
}
