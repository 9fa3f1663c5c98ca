import type { AgentCall, AgentMessage, AgentMessageBody } from '#mesos-v1';
import type {
  MasterLink,
  MasterLinkHandlers,
} from '../../apps/agent/src/engine/master-link.port.js';

type SubscribeCall = Extract<AgentCall, { readonly type: 'SUBSCRIBE' }>;

/** A link whose master is the test: it admits, sends messages and breaks the stream by hand. */
export class FakeMasterLink implements MasterLink {
  readonly calls: Exclude<AgentCall, SubscribeCall>[] = [];
  readonly reconnects: string[] = [];
  isPaused = false;
  private handlers: MasterLinkHandlers | undefined;
  private connection = 0;
  private sequence = 0;
  private position = { epoch: 0, stream_id: '' };

  open(handlers: MasterLinkHandlers): void {
    this.handlers = handlers;
  }

  async send(call: Exclude<AgentCall, SubscribeCall>): Promise<void> {
    this.calls.push(call);
  }

  reconnect(reason: string): void {
    this.reconnects.push(reason);
    this.breakStream(reason);
  }

  pause(reason: string): void {
    this.isPaused = true;
    this.breakStream(reason);
  }

  resume(): void {
    this.isPaused = false;
  }

  async close(): Promise<void> {
    this.handlers = undefined;
  }

  /** Answers a SUBSCRIBE call and returns it. */
  admit(as: { readonly agentId?: string; readonly epoch?: number } = {}): SubscribeCall {
    const { handlers } = this;
    if (handlers === undefined) throw new Error('the link is not open');
    const call = handlers.subscribe();
    this.connection += 1;
    this.sequence = 0;
    this.position = { epoch: as.epoch ?? 1, stream_id: `stream-${this.connection}` };
    handlers.opened(this.connection);
    this.deliver({
      type: 'SUBSCRIBED',
      subscribed: {
        agent_id: { value: as.agentId ?? 'agent-1' },
        master_id: 'master-1',
        ping_timeout_seconds: 75,
      },
    });
    return call;
  }

  /** Sends the next message of the stream. */
  deliver(body: AgentMessageBody): void {
    this.sequence += 1;
    this.deliverRaw({ ...body, ...this.position, sequence: this.sequence });
  }

  /** Sends a message at a position of the test's choice. */
  deliverRaw(message: AgentMessage): void {
    this.handlers?.message(this.connection, message);
  }

  breakStream(reason = 'broken by the test'): void {
    const connection = this.connection;
    this.connection += 1;
    this.handlers?.closed(connection, reason);
  }

  /** Every status sent so far, newest last. */
  get updates(): readonly Extract<AgentCall, { readonly type: 'UPDATE' }>['update'][] {
    return this.calls.flatMap((call) => (call.type === 'UPDATE' ? [call.update] : []));
  }

  /** Acknowledges the newest update of a task. */
  acknowledge(taskId: string): void {
    const last = this.updates.findLast(({ status }) => status.task_id.value === taskId);
    if (last?.status.uuid === undefined) throw new Error(`no update of ${taskId} was sent`);
    this.deliver({
      type: 'ACKNOWLEDGE',
      acknowledge: {
        framework_id: last.framework_id,
        task_id: last.status.task_id,
        uuid: last.status.uuid,
      },
    });
  }
}
