import type {
  AgentActivation,
  AgentId,
  FrameworkId,
  Now,
  RegistryChange,
  RegistrySnapshot,
} from '#core';
import type { AgentCall, AgentMessage, SchedulerCall, SchedulerEvent } from '#mesos-v1';
import type { Subscription } from './master-framework-info.js';
import type { OperatorCallEvent, OperatorDecision } from './master-operator-decision.js';
import type { MasterState } from './master-state.js';

export type SubscribeCall = Extract<SchedulerCall, { readonly type: 'SUBSCRIBE' }>;
export type AgentSubscription = Extract<AgentCall, { readonly type: 'SUBSCRIBE' }>['subscribe'];

/** What the master reacts to. Stream and call ids are the edge's; it answers each call id exactly once. */
export type MasterEvent =
  | { readonly kind: 'recover'; readonly snapshot: RegistrySnapshot }
  | {
      readonly kind: 'framework-subscribe';
      readonly streamId: string;
      readonly call: SubscribeCall;
      readonly principal?: string;
    }
  | {
      /** The registry holds the framework; continues `framework-subscribe`. */
      readonly kind: 'framework-stored';
      readonly streamId: string;
      readonly frameworkId: FrameworkId;
      readonly call: SubscribeCall;
    }
  | {
      readonly kind: 'scheduler-call';
      readonly callId: string;
      readonly call: Exclude<SchedulerCall, { readonly type: 'SUBSCRIBE' }>;
      readonly streamId?: string;
      readonly principal?: string;
    }
  | {
      /** The registry holds what UPDATE_FRAMEWORK says. */
      readonly kind: 'framework-updated';
      readonly callId: string;
      readonly frameworkId: FrameworkId;
      readonly update: Subscription;
    }
  | { readonly kind: 'framework-stream-closed'; readonly streamId: string }
  | {
      readonly kind: 'framework-completed';
      readonly frameworkId: FrameworkId;
      readonly callId?: string;
    }
  | OperatorCallEvent
  | {
      /** The registry holds it; continues `operator-call`. */
      readonly kind: 'operator-decided';
      readonly callId: string;
      readonly decision: OperatorDecision;
    }
  | {
      readonly kind: 'agent-subscribe';
      readonly streamId: string;
      readonly subscription: AgentSubscription;
    }
  | {
      /** The registry holds the agent; continues `agent-subscribe`. */
      readonly kind: 'agent-stored';
      readonly streamId: string;
      readonly agentId: AgentId;
      readonly subscription: AgentSubscription;
      /** The agent that had this address before, which the registry no longer holds. */
      readonly replaced?: AgentId;
    }
  | {
      readonly kind: 'agent-call';
      readonly callId: string;
      readonly call: Exclude<AgentCall, { readonly type: 'SUBSCRIBE' }>;
      /** Whether anything may be acknowledged now. */
      readonly isWritable: boolean;
    }
  | { readonly kind: 'agent-stream-closed'; readonly streamId: string }
  | { readonly kind: 'agent-marked-unreachable'; readonly agentId: AgentId }
  | { readonly kind: 'agent-marked-gone'; readonly callId?: string; readonly agentId: AgentId }
  | {
      readonly kind: 'agent-drained';
      readonly agentId: AgentId;
      readonly activation: AgentActivation;
    }
  | RegistryUnavailable
  /** About once a second. Not writable: the lease was not renewed, so the registry is away. */
  | { readonly kind: 'tick'; readonly isWritable: boolean }
  | { readonly kind: 'allocate' };

/** Nothing was stored; the call of this id, or the stream, cannot be served. */
export interface RegistryUnavailable {
  readonly kind: 'registry-unavailable';
  readonly callId?: string;
  readonly streamId?: string;
  /** The framework that was to be torn down, and is not. */
  readonly frameworkId?: FrameworkId;
  /** An operator's decision; the calls behind it go on. */
  readonly isDecision?: boolean;
  /** Why the database takes these values neither now nor later; absent when it is away. */
  readonly refusal?: string;
}

/** What the edge has to do, in order. */
export type MasterEffect =
  | {
      readonly kind: 'send-to-framework';
      readonly streamId: string;
      readonly event: SchedulerEvent;
    }
  | { readonly kind: 'close-framework-stream'; readonly streamId: string }
  | { readonly kind: 'send-to-agent'; readonly streamId: string; readonly message: AgentMessage }
  | { readonly kind: 'close-agent-stream'; readonly streamId: string }
  /** Answers a SUBSCRIBE with a status instead of a stream. */
  | {
      readonly kind: 'refuse-stream';
      readonly streamId: string;
      readonly status: number;
      readonly message: string;
    }
  | {
      readonly kind: 'answer-call';
      readonly callId: string;
      readonly status: number;
      readonly message?: string;
    }
  /**
   * Makes the changes durable, then feeds `stored` back. `unavailable` is fed back when the database is away; without
   * it the edge tries until it succeeds or the lease is lost. What the database refuses for good is not tried again:
   * `unavailable` tells, with the refusal. Changes are applied in the order given.
   */
  | {
      readonly kind: 'commit-registry';
      readonly changes: readonly RegistryChange[];
      readonly stored?: MasterEvent;
      readonly unavailable?: RegistryUnavailable;
    }
  /** Feeds `allocate` back after `delayMs`, unless one is due earlier. */
  | { readonly kind: 'schedule-allocation'; readonly delayMs: number }
  /** The process ends: it must not go on as it is. */
  | { readonly kind: 'abort'; readonly message: string }
  /** One line for the log. */
  | {
      readonly kind: 'note';
      readonly level: 'debug' | 'info' | 'warn';
      readonly message: string;
      readonly fields: Readonly<Record<string, string | number>>;
    };

/** One event being handled: the state it changes, the moment, and the effects so far. */
export interface MasterTurn {
  readonly state: MasterState;
  readonly now: Now;
  readonly effects: MasterEffect[];
}
