import type { ControllerClient, ControllerEvent } from '../controller/controller-client.js';
import { pause } from './pause.js';

const RECONNECT_MIN_MS = 100;
const RECONNECT_MAX_MS = 5_000;

/** Follows the event stream for good, connecting anew with growing pauses. Resolves once `signal` is aborted. */
export async function followController(options: {
  readonly client: Pick<ControllerClient, 'follow'>;
  readonly signal: AbortSignal;
  readonly onOpen: () => void;
  readonly onEvent: (event: ControllerEvent) => void;
  /** The stream ended, or could not be opened; undefined: it ended in good order. */
  readonly onEnd: (error: unknown) => void;
}): Promise<void> {
  const { client, signal } = options;
  let delayMs = RECONNECT_MIN_MS;
  while (!signal.aborted) {
    let problem: unknown;
    try {
      await client.follow({
        signal,
        onOpen: () => {
          delayMs = RECONNECT_MIN_MS;
          options.onOpen();
        },
        onEvent: options.onEvent,
      });
    } catch (error) {
      problem = error;
    }
    options.onEnd(problem);
    await pause(delayMs * (0.5 + Math.random() / 2), signal);
    delayMs = Math.min(delayMs * 1.5, RECONNECT_MAX_MS);
  }
}
