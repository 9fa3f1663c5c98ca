import { isTerminalTaskState, type Reduction, type TaskState } from '#core';
import type { TaskStatus } from '#mesos-v1';

/**
 * The status updates of one task, delivered in order and at least once.
 *
 * | event        | head not sent    | head in flight            | nothing pending |
 * |--------------|------------------|---------------------------|-----------------|
 * | update       | queued           | queued                    | sent            |
 * | acknowledged | ignored          | head dropped, next sent   | ignored         |
 * | resend-due   | ignored          | sent again, back-off x2   | ignored         |
 * | connected    | sent             | sent, back-off reset      | nothing         |
 * | disconnected | paused           | paused                    | paused          |
 *
 * Only the head is ever in flight. A terminal update closes the stream: later updates are ignored, and once it is
 * acknowledged the stream is completed.
 */
export interface UpdateStream {
  readonly connected: boolean;
  /** Oldest first, each with a uuid; the first is the head. At most {@link MAX_PENDING_UPDATES}. */
  readonly pending: readonly TaskStatus[];
  /** The newest status, acknowledged or not. */
  readonly latest?: TaskStatus;
  /** Set while the head has been sent on the current connection. */
  readonly flight?: { readonly resendAtMs: number; readonly intervalMs: number };
}

export type UpdateStreamEvent =
  | { readonly kind: 'update'; readonly status: TaskStatus }
  | { readonly kind: 'acknowledged'; readonly uuid: string }
  | { readonly kind: 'resend-due' }
  | { readonly kind: 'connected' }
  | { readonly kind: 'disconnected' };

export type UpdateStreamEffect =
  /** Send this status; `latestState` rides along so that the master frees resources early. */
  | { readonly kind: 'send'; readonly status: TaskStatus; readonly latestState: string }
  /** Feed `resend-due` after this long. */
  | { readonly kind: 'resend-after'; readonly delayMs: number }
  /** The terminal update is acknowledged; the task's record may be dropped. */
  | { readonly kind: 'completed' };

/** Milliseconds. */
export interface ResendOptions {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** Mesos' values: 10 s, doubled up to 10 min. */
export const DEFAULT_RESEND: ResendOptions = { firstMs: 10_000, maxMs: 600_000 };

/**
 * Updates held for one task. Beyond it the newest non-terminal one behind the head is replaced, so an absent
 * framework costs a bounded amount of memory and still learns the latest state.
 */
export const MAX_PENDING_UPDATES = 64;

/** Adds one update to those waiting; a repeated uuid changes nothing. Never more than {@link MAX_PENDING_UPDATES}. */
export function addPending(
  pending: readonly TaskStatus[],
  status: TaskStatus,
): readonly TaskStatus[] {
  if (pending.some(({ uuid }) => uuid === status.uuid)) return pending;
  return [...pending.slice(0, MAX_PENDING_UPDATES - 1), status];
}

/** The bound for updates that were written down before there was one. */
export function boundPending(pending: readonly TaskStatus[]): readonly TaskStatus[] {
  const newest = pending.at(-1);
  if (newest === undefined || pending.length <= MAX_PENDING_UPDATES) return pending;
  return addPending(pending.slice(0, -1), newest);
}

export const emptyUpdateStream: UpdateStream = { connected: false, pending: [] };

/** Whether a terminal update was queued; nothing may follow it. */
export const isClosed = (stream: UpdateStream): boolean =>
  stream.latest !== undefined && isTerminalTaskState(stream.latest.state as TaskState);

/** Whether the terminal update was acknowledged. */
export const isCompleted = (stream: UpdateStream): boolean =>
  isClosed(stream) && stream.pending.length === 0;

/** Applies one event. A repeated uuid, of an update or an acknowledgement, has no effects. */
export function reduceUpdateStream(
  stream: UpdateStream,
  event: UpdateStreamEvent,
  monoMs: number,
  resend: ResendOptions = DEFAULT_RESEND,
): Reduction<UpdateStream, UpdateStreamEffect> {
  switch (event.kind) {
    case 'update':
      return enqueue(stream, event.status, monoMs, resend);
    case 'acknowledged':
      return acknowledge(stream, event.uuid, monoMs, resend);
    case 'resend-due': {
      if (stream.flight === undefined || !stream.connected) return { state: stream, effects: [] };
      const waitMs = stream.flight.resendAtMs - monoMs;
      if (waitMs > 0)
        return { state: stream, effects: [{ kind: 'resend-after', delayMs: waitMs }] };
      return sendHead(stream, monoMs, Math.min(stream.flight.intervalMs * 2, resend.maxMs));
    }
    case 'connected':
      return sendHead({ ...stream, connected: true }, monoMs, resend.firstMs);
    case 'disconnected':
      return { state: withoutFlight({ ...stream, connected: false }), effects: [] };
    default:
      return event satisfies never;
  }
}

function enqueue(
  stream: UpdateStream,
  status: TaskStatus,
  monoMs: number,
  resend: ResendOptions,
): Reduction<UpdateStream, UpdateStreamEffect> {
  const pending = addPending(stream.pending, status);
  if (isClosed(stream) || pending === stream.pending) return { state: stream, effects: [] };
  const next: UpdateStream = { ...stream, pending, latest: status };
  return next.flight === undefined
    ? sendHead(next, monoMs, resend.firstMs)
    : { state: next, effects: [] };
}

function acknowledge(
  stream: UpdateStream,
  uuid: string,
  monoMs: number,
  resend: ResendOptions,
): Reduction<UpdateStream, UpdateStreamEffect> {
  const [head, ...rest] = stream.pending;
  if (head === undefined || head.uuid !== uuid) return { state: stream, effects: [] };
  const next = withoutFlight({ ...stream, pending: rest });
  if (isCompleted(next)) return { state: next, effects: [{ kind: 'completed' }] };
  return sendHead(next, monoMs, resend.firstMs);
}

function sendHead(
  stream: UpdateStream,
  monoMs: number,
  intervalMs: number,
): Reduction<UpdateStream, UpdateStreamEffect> {
  const [head] = stream.pending;
  if (head === undefined || !stream.connected) return { state: stream, effects: [] };
  return {
    state: { ...stream, flight: { resendAtMs: monoMs + intervalMs, intervalMs } },
    effects: [
      { kind: 'send', status: head, latestState: stream.latest?.state ?? head.state },
      { kind: 'resend-after', delayMs: intervalMs },
    ],
  };
}

function withoutFlight(stream: UpdateStream): UpdateStream {
  const { flight: _, ...rest } = stream;
  return rest;
}
