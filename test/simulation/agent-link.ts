import type { AgentCall, AgentMessage, TaskStatus } from '#mesos-v1';
import { parseAgentCall } from '#mesos-v1';
import type {
  MasterLink,
  MasterLinkHandlers,
} from '../../apps/agent/src/engine/master-link.port.js';
import type { MasterNode } from './master-node.js';
import type { Network } from './network.js';
import { RecordStream } from './record-stream.js';
import type { SimulatedProcess } from './simulated-process.js';
import type { SurvivalWatch } from './survival-watch.js';

const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 5_000;
const ACCEPTED = 202;
/** How long a SUBSCRIBE may go without an answer, as at a master that was stopped. */
const ANSWER_TIMEOUT_MS = 30_000;
/** Waiting for one longer than this is a trouble of the agent's own. */
const LONG_ANSWER_MS = 1_000;

/** An agent's connection over the simulated network; behaves as the HTTP link does, number by number. */
export class SimulatedMasterLink implements MasterLink {
  private handlers: MasterLinkHandlers | undefined;
  private stream: RecordStream | undefined;
  private connection = 0;
  private isConnected = false;
  private isPaused = false;
  private isClosed = false;
  private failures = 0;
  private turn = 0;
  private redirected: MasterNode | undefined;
  private current: MasterNode | undefined;
  private cancelRetry: (() => void) | undefined;
  /** The answer to SUBSCRIBE is there, or is not waited for any more. */
  private endWait: () => void = () => undefined;

  constructor(
    private readonly parts: {
      readonly network: Network;
      readonly process: SimulatedProcess;
      readonly host: string;
      readonly masters: readonly MasterNode[];
      readonly survival: SurvivalWatch;
      /** A status is about to be sent. */
      readonly reporting?: (status: TaskStatus, host: string) => void;
    },
  ) {}

  open(handlers: MasterLinkHandlers): void {
    this.handlers = handlers;
    this.connect();
  }

  async send(call: Exclude<AgentCall, { readonly type: 'SUBSCRIBE' }>): Promise<void> {
    const { current } = this;
    const { network, process, host } = this.parts;
    if (!this.isConnected || current === undefined) throw new Error('no master is connected');
    const text = JSON.stringify(call);
    trace(this.parts, call);
    if (call.type === 'UPDATE') this.parts.reporting?.(call.update.status, host);
    const answer = await network.post({
      client: process,
      route: network.route(host, current.name),
      server: () => current.process,
      handle: () => current.callFromAgent(parse(text) as typeof call),
      isRepeatable: true,
    });
    if (answer.status !== ACCEPTED) {
      throw new Error(`${call.type} was answered ${answer.status}: ${answer.message ?? ''}`);
    }
  }

  reconnect(reason: string): void {
    this.drop(reason);
    this.retryLater();
  }

  pause(reason: string): void {
    this.isPaused = true;
    this.drop(reason);
    this.cancelRetry?.();
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.retryLater();
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.cancelRetry?.();
    this.drop('the agent stops');
  }

  private connect(): void {
    const { handlers } = this;
    const { network, process, host, masters } = this.parts;
    if (this.isClosed || this.isPaused || handlers === undefined) return;
    const master = this.redirected ?? masters[this.turn % masters.length];
    if (this.redirected === undefined) this.turn += 1;
    this.redirected = undefined;
    if (master === undefined) return;
    this.current = master;
    this.connection += 1;
    const connection = this.connection;
    const isMine = () => this.connection === connection;
    const route = network.route(host, master.name);
    this.awaitAnswer(connection);
    const stream = new RecordStream({
      network,
      route,
      client: process,
      handlers: {
        opened: () => {
          if (!isMine()) return;
          this.endWait();
          this.isConnected = true;
          handlers.opened(connection);
        },
        refused: (status, message) => {
          if (isMine()) this.lose(`SUBSCRIBE was answered ${status}: ${message}`);
        },
        record: (text) => {
          const message = JSON.parse(text) as AgentMessage;
          if (!isMine() || !this.isConnected) return;
          if (message.type === 'SUBSCRIBED') this.failures = 0;
          handlers.message(connection, message);
        },
        closed: (reason) => {
          if (isMine()) this.lose(reason);
        },
      },
    });
    this.stream = stream;
    const call = handlers.subscribe();
    this.parts.survival.subscribing(host, call.subscribe.highest_epoch);
    const text = JSON.stringify(call);
    trace(this.parts, call);
    stream.request(
      () => master.process,
      () => this.arrive(master, stream, { text, connection }),
    );
  }

  private awaitAnswer(connection: number): void {
    const { process, network, host } = this.parts;
    const { troubles } = network.world;
    const cause = `waits for an answer to ${connection}`;
    const cancelTrouble = process.clock.schedule(LONG_ANSWER_MS, () => {
      troubles.begin(host, cause);
    });
    const cancel = process.clock.schedule(ANSWER_TIMEOUT_MS, () => {
      this.lose(`no answer within ${ANSWER_TIMEOUT_MS} ms`);
    });
    this.endWait = () => {
      cancelTrouble();
      cancel();
      forget();
      troubles.end(host, cause);
    };
    const forget = process.onEnd(this.endWait);
  }

  private arrive(
    master: MasterNode,
    stream: RecordStream,
    request: { readonly text: string; readonly connection: number },
  ): void {
    const refusal = master.refusal();
    if (refusal === undefined) {
      const call = parse(request.text);
      if (call.type === 'SUBSCRIBE') master.subscribeAgent(stream, call.subscribe);
      return;
    }
    if (refusal.leader !== undefined && this.connection === request.connection) {
      this.redirected = this.parts.masters.find(({ name }) => name === refusal.leader);
    }
    stream.refuse(refusal.status, refusal.message);
  }

  private lose(reason: string): void {
    this.drop(reason);
    this.retryLater();
  }

  private drop(reason: string): void {
    const { stream, connection, isConnected } = this;
    this.endWait();
    this.stream = undefined;
    this.isConnected = false;
    this.connection += 1;
    stream?.destroy();
    if (isConnected) this.handlers?.closed(connection, reason);
  }

  private retryLater(): void {
    if (this.isClosed || this.isPaused || this.stream !== undefined) return;
    this.cancelRetry?.();
    const delayMs = Math.min(FIRST_DELAY_MS * 2 ** this.failures, MAX_DELAY_MS);
    if (delayMs < MAX_DELAY_MS) this.failures += 1;
    const jittered = delayMs * (0.5 + this.parts.network.world.random.network.next() / 2);
    this.cancelRetry = this.parts.process.clock.schedule(jittered, () => this.connect());
  }
}

function parse(text: string): AgentCall {
  const parsed = parseAgentCall(JSON.parse(text));
  if (parsed.kind !== 'parsed') throw new Error(`unreadable call: ${text}`);
  return parsed.value;
}

function trace(parts: { readonly network: Network; readonly host: string }, call: AgentCall): void {
  const { trace } = parts.network.world;
  if (call.type === 'UPDATE') {
    const { status, latest_state } = call.update;
    trace.add(parts.host, `UPDATE ${status.task_id.value} ${status.state} (${latest_state})`);
  }
  if (call.type === 'EXITED_EXECUTOR') {
    const { executor_id, status, launch_id } = call.exited_executor;
    const launch = launch_id === undefined ? '' : `${launch_id.epoch}.${launch_id.number}`;
    trace.add(parts.host, `EXITED_EXECUTOR ${executor_id.value} ${launch} ${status}`);
  }
  if (call.type === 'SUBSCRIBE') {
    const { agent_info, tasks } = call.subscribe;
    trace.add(parts.host, `SUBSCRIBE as ${agent_info.id?.value ?? 'new'}, ${tasks.length} tasks`);
  }
}
