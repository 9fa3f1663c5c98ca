import type { AgentCall, AgentMessage } from '#mesos-v1';

type SubscribeCall = Extract<AgentCall, { readonly type: 'SUBSCRIBE' }>;

/** What the link tells the agent. Connections are numbered upwards; calls come in order. */
export interface MasterLinkHandlers {
  /** Asked at each attempt, so that it is the newest state that is sent. */
  readonly subscribe: () => SubscribeCall;
  /** A master answered the SUBSCRIBE call; its messages follow. */
  readonly opened: (connection: number) => void;
  readonly message: (connection: number, message: AgentMessage) => void;
  readonly closed: (connection: number, reason: string) => void;
}

/** The agent's connection to whichever master leads. It connects again by itself, with back-off, until it is closed. */
export interface MasterLink {
  open(handlers: MasterLinkHandlers): void;
  /** Rejects when the call did not arrive; nothing is retried here. */
  send(call: Exclude<AgentCall, SubscribeCall>): Promise<void>;
  /** Drops the current stream and connects again. */
  reconnect(reason: string): void;
  /** Drops the current stream and stays away until {@link resume}. */
  pause(reason: string): void;
  resume(): void;
  close(): Promise<void>;
}
