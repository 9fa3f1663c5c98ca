import { type AgentEvent, type AgentState, admitExecutorCall } from '#cluster';
import type { RunKey } from '#core';
import type { ExecutorCall } from '#mesos-v1';
import type { ExecutorStream, ExecutorStreams } from './executor-streams.js';

export type ExecutorAnswer =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'refused'; readonly status: 400 | 403 | 503; readonly message: string };

/** `closed`: the other side of the stream has gone. */
export type ExecutorSubscription =
  | { readonly kind: 'subscribed'; readonly closed: () => void }
  | Extract<ExecutorAnswer, { readonly kind: 'refused' }>;

type SubscribeCall = Extract<ExecutorCall, { readonly type: 'SUBSCRIBE' }>;

const RECOVERING = {
  kind: 'refused',
  status: 503,
  message: 'The agent has not read its journal yet',
} as const;

const HELD_UP = {
  kind: 'refused',
  status: 503,
  message: 'The work directory of the agent cannot be written, and too much waits for it',
} as const;

/** What executors call, without the transport. */
export class ExecutorApi {
  private connections = 0;

  constructor(
    private readonly parts: {
      readonly streams: ExecutorStreams;
      /** Undefined until the journal is read, and when the agent has stopped. */
      readonly state: () => AgentState | undefined;
      readonly dispatch: (event: AgentEvent) => void;
      readonly settled: (run: RunKey) => Promise<void>;
      /** So much waits for the disk that no more is taken for this run. */
      readonly isFull: (run: RunKey) => boolean;
    },
  ) {}

  /** SUBSCRIBE. `open` makes the stream, once nothing stands against it. */
  subscribe(call: SubscribeCall, open: () => ExecutorStream): ExecutorSubscription {
    const { streams, state, dispatch } = this.parts;
    const known = state();
    if (known === undefined) return RECOVERING;
    const admission = admitExecutorCall(known, call);
    if (admission.kind === 'refused') return admission;
    const { run } = admission;
    this.connections += 1;
    const connection = this.connections;
    streams.attach(run, connection, open());
    dispatch({ kind: 'executor-subscribed', run, connection, subscribe: call.subscribe });
    return {
      kind: 'subscribed',
      closed: () => {
        streams.forget(run, connection);
        dispatch({ kind: 'executor-disconnected', run, connection });
      },
    };
  }

  /** All other calls. Once an update is accepted it is on the disk: executors do not keep them. */
  async call(call: Exclude<ExecutorCall, SubscribeCall>): Promise<ExecutorAnswer> {
    const { state, dispatch, settled } = this.parts;
    const known = state();
    if (known === undefined) return RECOVERING;
    const admission = admitExecutorCall(known, call);
    if (admission.kind === 'refused') return admission;
    const { run, taskRun } = admission;
    if (this.parts.isFull(run) || (taskRun !== undefined && this.parts.isFull(taskRun))) {
      return HELD_UP;
    }
    dispatch({ kind: 'executor-call', run, call });
    if (taskRun !== undefined) await settled(taskRun);
    // Stopped meanwhile: nothing is written any more.
    return state() === undefined ? RECOVERING : { kind: 'accepted' };
  }
}
