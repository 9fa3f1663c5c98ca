import type { AgentMessage, StreamPosition } from '#mesos-v1';

/**
 * What the agent believes about the master it listens to: which connection is current, the stream on it and how far it
 * was applied. A message is applied once and in order, or refused with a reason; a refusal means: connect again.
 */
export interface MasterStream {
  /** Highest epoch ever accepted; persisted before any message of that epoch is acted on. */
  readonly highestEpoch: number;
  /** Number of the connection that is open; messages of others are refused. */
  readonly connection?: number;
  /** Known from SUBSCRIBED on. */
  readonly current?: {
    readonly epoch: number;
    readonly streamId: string;
    readonly pingTimeoutMs: number;
  };
  readonly lastApplied?: StreamPosition;
  /** When the last record arrived on the connection, monotonic milliseconds. */
  readonly heardAtMs: number;
}

export type Admission =
  | { readonly kind: 'apply'; readonly stream: MasterStream }
  | { readonly kind: 'already-applied' }
  | { readonly kind: 'not-current'; readonly reason: string }
  | { readonly kind: 'refuse'; readonly reason: string };

const MILLIS_PER_SECOND = 1000;
/** A master that names no timeout: Mesos' 15 s x 5. */
const DEFAULT_PING_TIMEOUT_SECONDS = 75;

/** Decides whether one message may be applied, and what is known afterwards. */
export function admitMessage(
  stream: MasterStream,
  connection: number,
  message: AgentMessage,
  monoMs: number,
): Admission {
  if (stream.connection !== connection) {
    return {
      kind: 'not-current',
      reason: `connection ${connection} is not the current one (${stream.connection ?? 'none'})`,
    };
  }
  if (message.epoch < stream.highestEpoch) {
    return {
      kind: 'refuse',
      reason: `epoch ${message.epoch} is below the highest seen, ${stream.highestEpoch}`,
    };
  }
  if (message.type === 'SUBSCRIBED') return admitSubscribed(stream, message, monoMs);
  if (message.type === 'ERROR') return { kind: 'apply', stream };
  return admitInOrder(stream, message, monoMs);
}

function admitSubscribed(
  stream: MasterStream,
  message: Extract<AgentMessage, { readonly type: 'SUBSCRIBED' }>,
  monoMs: number,
): Admission {
  const seconds = Number(message.subscribed.ping_timeout_seconds);
  const timeoutSeconds = seconds > 0 ? seconds : DEFAULT_PING_TIMEOUT_SECONDS;
  return {
    kind: 'apply',
    stream: {
      ...stream,
      highestEpoch: Math.max(stream.highestEpoch, message.epoch),
      current: {
        epoch: message.epoch,
        streamId: message.stream_id,
        pingTimeoutMs: timeoutSeconds * MILLIS_PER_SECOND,
      },
      lastApplied: positionOf(message),
      heardAtMs: monoMs,
    },
  };
}

function admitInOrder(stream: MasterStream, message: AgentMessage, monoMs: number): Admission {
  const { current, lastApplied } = stream;
  if (current === undefined || lastApplied === undefined) {
    return { kind: 'refuse', reason: `${message.type} came before SUBSCRIBED` };
  }
  if (message.stream_id !== current.streamId || message.epoch !== current.epoch) {
    return {
      kind: 'refuse',
      reason: `stream ${message.stream_id} of epoch ${message.epoch} is not the current one, ${current.streamId} of epoch ${current.epoch}`,
    };
  }
  if (message.sequence <= lastApplied.sequence) return { kind: 'already-applied' };
  if (message.sequence > lastApplied.sequence + 1) {
    return {
      kind: 'refuse',
      reason: `sequence ${message.sequence} follows ${lastApplied.sequence}: messages are missing`,
    };
  }
  return {
    kind: 'apply',
    stream: { ...stream, lastApplied: positionOf(message), heardAtMs: monoMs },
  };
}

const positionOf = (message: AgentMessage): StreamPosition => ({
  epoch: message.epoch,
  stream_id: message.stream_id,
  sequence: message.sequence,
});
