import type { Clock, MasterRegistry } from '#core';
import type { AgentMessage, SchedulerEvent } from '#mesos-v1';

/** Open streams to one kind of peer, by stream id. A stream is pending until the first record, or is refused. */
export interface RecordStreams<Record> {
  /** False when the stream is not open (any more); the engine then handles its end. */
  send(streamId: string, record: Record): boolean;
  /** Writes what was sent and is not written yet. Absent: each record is written as it is sent. */
  flush?(): void;
  /** Ends a stream after what was sent. No end is reported for it. */
  close(streamId: string): void;
  /** Answers a pending stream with an HTTP status instead. */
  refuse(streamId: string, refusal: { readonly status: number; readonly message: string }): void;
}

export type FrameworkStreams = RecordStreams<SchedulerEvent>;
export type AgentStreams = RecordStreams<AgentMessage>;

/** Makes ids that do not repeat; seeded in the simulation. */
export interface IdSource {
  next(): string;
}

/** Shares the process: the engine works for a few milliseconds, then what came in meanwhile is taken. */
export interface Pacer {
  /** Begins a turn, once all others had theirs; a longer one for who is behind. */
  turn(options?: { readonly isBehind: boolean }): Promise<void>;
  /** The present turn has lasted long enough. */
  readonly isOver: boolean;
}

/** All the engine knows of the world. */
export interface MasterPorts {
  readonly registry: MasterRegistry;
  readonly clock: Clock;
  readonly frameworkStreams: FrameworkStreams;
  readonly agentStreams: AgentStreams;
  readonly ids: IdSource;
  /** Whether anything may be accepted or acknowledged now; false while the database is away. */
  readonly isWritable: () => boolean;
  /** Absent: effects are carried out at once, however many there are. */
  readonly pacer?: Pacer;
  /** Another master leads, or an invariant broke: the process must end, the engine does nothing any more. */
  readonly onFatal: (error: Error) => void;
  readonly note?: (
    level: 'debug' | 'info' | 'warn',
    message: string,
    fields: Readonly<Record<string, string | number>>,
  ) => void;
}
