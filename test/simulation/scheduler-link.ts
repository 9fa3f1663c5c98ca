import { agentId, type FrameworkId, frameworkId, offerId } from '#core';
import {
  BackOff,
  SchedulerCallError,
  type SchedulerCallWithoutFrameworkId,
  type SchedulerDriver,
  type SchedulerHandlers,
} from '#framework';
import {
  type FrameworkInfo,
  parseSchedulerCall,
  parseSchedulerEvent,
  type SchedulerCall,
  type SchedulerEvent,
  type TaskStatus,
} from '#mesos-v1';
import { UpdateWindow } from '../../libs/framework/src/update-window.js';
import type { MasterNode } from './master-node.js';
import type { Answer, Network } from './network.js';
import { RecordStream } from './record-stream.js';
import type { SimulatedProcess } from './simulated-process.js';

const MAX_ATTEMPTS = 5;
const MAX_OPEN_UPDATES = 1_024;
/** Five missed heartbeats of 15 s. */
const SILENCE_MS = 75_000;

/** Who wants to know what a scheduler hears and says. */
export interface SchedulerWatch {
  statusDelivered(status: TaskStatus): void;
  acknowledging(status: TaskStatus): void;
  killing(task: string): void;
  /** A SHUTDOWN of an executor is sent. */
  shuttingDown?(executor: string, agent: string): void;
}

export interface SchedulerLinkParts {
  readonly network: Network;
  readonly process: SimulatedProcess;
  readonly host: string;
  readonly masters: readonly MasterNode[];
  readonly observer: SchedulerWatch;
  readonly handlers: SchedulerHandlers;
  readonly frameworkInfo: FrameworkInfo;
  readonly frameworkId: FrameworkId | undefined;
  /** Roles to subscribe with, as of each SUBSCRIBE; absent: those of `frameworkInfo`. */
  readonly roles?: () => readonly string[];
  /** Roles to be offered nothing from the start, as of each SUBSCRIBE. */
  readonly suppressedRoles?: () => readonly string[];
  /** A call as it goes to the master. */
  readonly toWire?: (call: SchedulerCallWithoutFrameworkId) => SchedulerCallWithoutFrameworkId;
  /** For showing that bugs are caught: acknowledges first, then tells the scheduler. */
  readonly acknowledgesFirst?: boolean;
  /** The same: repeats an ACCEPT that may have been carried out. */
  readonly retriesAccepts?: boolean;
}

/** One subscription. */
interface Session {
  readonly master: MasterNode;
  readonly stream: RecordStream;
  readonly updates: UpdateWindow;
  readonly fail: (error: unknown) => void;
  streamId: string;
  isOver: boolean;
}

/** A SchedulerDriver over the simulated network, with the retry rules and the order of the one over HTTP. */
export class SimulatedScheduler implements SchedulerDriver {
  private readonly backOff: BackOff;
  private known: FrameworkId | undefined;
  private session: Session | undefined;
  private isEnded = false;
  private turn = 0;
  private redirected: MasterNode | undefined;
  private lastCall: Promise<unknown> = Promise.resolve();

  constructor(private readonly parts: SchedulerLinkParts) {
    this.known = parts.frameworkId;
    this.backOff = new BackOff(this.backOffOptions());
  }

  start(): void {
    this.connect();
  }

  resubscribe(): void {
    this.session?.fail('subscribing again');
  }

  async stop(): Promise<void> {
    this.isEnded = true;
    this.session?.stream.destroy();
  }

  async call(given: SchedulerCallWithoutFrameworkId): Promise<void> {
    const call = this.parts.toWire?.(given) ?? given;
    const { session } = this;
    if (session === undefined || session.streamId === '' || this.known === undefined) {
      throw new SchedulerCallError('DISCONNECTED', `${call.type}: not subscribed`);
    }
    if (call.type === 'ACKNOWLEDGE') return await this.send(session, call);
    const sent = this.lastCall.then(() => this.send(session, call));
    this.lastCall = sent.catch(() => undefined);
    await sent;
  }

  private async send(session: Session, call: SchedulerCallWithoutFrameworkId): Promise<void> {
    const text = JSON.stringify({ ...call, framework_id: { value: this.known ?? '' } });
    const backOff = new BackOff(this.backOffOptions());
    this.traceCall(call);
    for (let attempt = 1; ; attempt += 1) {
      const failure = await this.attempt(session, call.type, text);
      if (failure === undefined) return;
      const isHarmless = call.type !== 'ACCEPT' || this.parts.retriesAccepts === true;
      const isWorthRepeating =
        failure.code === 'UNAVAILABLE' && (failure.status === 503 || isHarmless);
      if (!isWorthRepeating || attempt >= MAX_ATTEMPTS || session.isOver) throw failure;
      await new Promise<void>((resolve) => {
        this.parts.process.clock.schedule(backOff.next(), resolve);
      });
    }
  }

  private async attempt(
    session: Session,
    type: string,
    text: string,
  ): Promise<SchedulerCallError | undefined> {
    const { network, process, host } = this.parts;
    if (session.isOver) {
      return new SchedulerCallError('DISCONNECTED', `${type}: the subscription has ended`);
    }
    const { master, streamId } = session;
    try {
      const answer: Answer = await network.post({
        client: process,
        route: network.route(host, master.name),
        server: () => master.process,
        handle: () => master.callFromScheduler(streamId, parseCall(text)),
        isRepeatable: type !== 'ACCEPT',
      });
      if (answer.status === 202 || answer.status === 200) return undefined;
      const isOurs = (answer.status >= 400 && answer.status < 500) || answer.status === 501;
      return new SchedulerCallError(
        isOurs ? 'REFUSED' : 'UNAVAILABLE',
        `${type} was answered ${answer.status}: ${answer.message ?? ''}`,
        answer.status,
      );
    } catch (error) {
      return new SchedulerCallError('UNAVAILABLE', `${type}: ${String(error)}`);
    }
  }

  private connect(): void {
    const { network, process, host, masters, suppressedRoles, roles } = this.parts;
    if (this.isEnded) return;
    const master = this.redirected ?? masters[this.turn % masters.length];
    this.turn += 1;
    this.redirected = undefined;
    if (master === undefined) return;
    const route = network.route(host, master.name);
    let deliveries: Promise<void> = Promise.resolve();
    const deliverInOrder = (text: string) => {
      deliveries = deliveries
        .then(async () => {
          if (!session.isOver) await this.deliver(session, parseEvent(text));
        })
        .catch(session.fail);
    };
    let cancelSilence: () => void = () => undefined;
    const watch = () => {
      cancelSilence();
      cancelSilence = process.clock.schedule(SILENCE_MS, () => session.fail('no heartbeat'));
    };
    const end = (reason: string) => {
      cancelSilence();
      void this.end(session, reason);
    };
    const stream = new RecordStream({
      network,
      route,
      client: process,
      handlers: {
        opened: (streamId) => {
          session.streamId = streamId;
        },
        refused: (status, message) => end(`SUBSCRIBE was answered ${status}: ${message}`),
        record: (text) => {
          watch();
          deliverInOrder(text);
        },
        // What came before the end is read before the end.
        closed: (reason) => {
          deliveries = deliveries.then(() => end(reason));
        },
      },
    });
    const fail = (error: unknown) => {
      stream.destroy();
      end(error instanceof Error ? error.message : String(error));
    };
    const updates = new UpdateWindow(MAX_OPEN_UPDATES, fail);
    const session: Session = { master, stream, updates, fail, streamId: '', isOver: false };
    watch();
    const text = JSON.stringify({
      type: 'SUBSCRIBE',
      ...(this.known === undefined ? {} : { framework_id: { value: this.known } }),
      subscribe: {
        framework_info: {
          ...this.parts.frameworkInfo,
          ...(roles === undefined ? {} : { roles: roles() }),
          ...(this.known === undefined ? {} : { id: { value: this.known } }),
        },
        ...(suppressedRoles === undefined ? {} : { suppressed_roles: suppressedRoles() }),
      },
    });
    stream.request(
      () => master.process,
      () => this.arrive(session, text),
    );
    this.session = session;
  }

  private arrive(session: Session, text: string): void {
    const refusal = session.master.refusal();
    if (refusal === undefined) {
      const parsed = parseSchedulerCall(JSON.parse(text));
      if (parsed.kind !== 'parsed' || parsed.value.type !== 'SUBSCRIBE') throw new Error(text);
      session.master.subscribeFramework(session.stream, parsed.value);
      return;
    }
    if (refusal.leader !== undefined) {
      this.redirected = this.parts.masters.find(({ name }) => name === refusal.leader);
    }
    session.stream.refuse(refusal.status, refusal.message);
  }

  private async end(session: Session, reason: string): Promise<void> {
    if (session.isOver) return;
    session.isOver = true;
    session.streamId = '';
    await session.updates.idle();
    if (this.isEnded) return;
    this.parts.network.world.trace.add(this.parts.host, `lost the master: ${reason}`);
    await this.parts.handlers.onDisconnected(reason);
    this.parts.process.clock.schedule(this.backOff.next(), () => this.connect());
  }

  private async deliver(session: Session, event: SchedulerEvent): Promise<void> {
    const { handlers, network, host } = this.parts;
    switch (event.type) {
      case 'SUBSCRIBED': {
        const id = frameworkId(event.subscribed.framework_id.value);
        network.world.trace.add(host, `subscribed as ${id} at ${session.master.name}`);
        this.known = id;
        this.backOff.reset();
        await handlers.onSubscribed(id, session.master.name);
        return;
      }
      case 'OFFERS':
        await handlers.onOffers(event.offers.offers);
        return;
      case 'RESCIND':
        await handlers.onRescind(offerId(event.rescind.offer_id.value));
        return;
      case 'UPDATE':
        await session.updates.add(() => this.update(session, event.update.status));
        return;
      case 'FAILURE': {
        const { agent_id } = event.failure;
        await handlers.onFailure(
          agent_id === undefined ? {} : { agentId: agentId(agent_id.value) },
        );
        return;
      }
      case 'ERROR':
        this.isEnded = true;
        await handlers.onError(event.error.message);
        return;
      case 'INVERSE_OFFERS':
        await handlers.onInverseOffers?.(event.inverse_offers.inverse_offers);
        return;
      case 'RESCIND_INVERSE_OFFER':
        await handlers.onRescindInverseOffer?.(event.rescind_inverse_offer.inverse_offer_id.value);
        return;
      case 'UPDATE_OPERATION_STATUS':
      case 'MESSAGE':
      case 'HEARTBEAT':
        return;
      default:
        event satisfies never;
    }
  }

  /** The acknowledgement leaves only over the subscription its status came by. */
  private async update(session: Session, status: TaskStatus): Promise<void> {
    const { handlers, observer, acknowledgesFirst } = this.parts;
    observer.statusDelivered(status);
    if (acknowledgesFirst === true) void this.acknowledge(session, status);
    await handlers.onUpdate(status);
    if (acknowledgesFirst !== true) await this.acknowledge(session, status);
  }

  private async acknowledge(session: Session, status: TaskStatus): Promise<void> {
    if (status.uuid === undefined || status.agent_id === undefined) return;
    this.parts.observer.acknowledging(status);
    const acknowledge = { agent_id: status.agent_id, task_id: status.task_id, uuid: status.uuid };
    try {
      await this.send(session, { type: 'ACKNOWLEDGE', acknowledge });
    } catch (error) {
      if (!(error instanceof SchedulerCallError)) throw error;
    }
  }

  private traceCall(call: SchedulerCallWithoutFrameworkId): void {
    const { trace } = this.parts.network.world;
    const { host } = this.parts;
    if (call.type === 'ACCEPT') {
      const tasks = (call.accept.operations ?? []).flatMap((operation) => {
        if (operation.type === 'LAUNCH') return operation.launch.task_infos;
        return operation.type === 'LAUNCH_GROUP' ? operation.launch_group.task_group.tasks : [];
      });
      const offers = call.accept.offer_ids.map(({ value }) => value.slice(-8));
      trace.add(
        host,
        `ACCEPT ${offers} with ${tasks.map(({ task_id }) => task_id.value).join(' ')}`,
      );
    } else if (call.type === 'KILL') {
      trace.add(host, `KILL ${call.kill.task_id.value}`);
      this.parts.observer.killing(call.kill.task_id.value);
    } else if (call.type === 'SHUTDOWN') {
      const { executor_id, agent_id } = call.shutdown;
      trace.add(host, `SHUTDOWN ${executor_id.value}`);
      this.parts.observer.shuttingDown?.(executor_id.value, agent_id.value);
    } else if (call.type === 'ACKNOWLEDGE')
      trace.add(host, `ACKNOWLEDGE ${call.acknowledge.task_id.value}`);
    else trace.add(host, call.type);
  }

  private backOffOptions() {
    const { network } = this.parts.network.world.random;
    return { initialMs: 100, maxMs: 5_000, random: () => network.next() };
  }
}

function parseCall(text: string): Exclude<SchedulerCall, { type: 'SUBSCRIBE' }> {
  const parsed = parseSchedulerCall(JSON.parse(text));
  if (parsed.kind !== 'parsed' || parsed.value.type === 'SUBSCRIBE') {
    throw new Error(`unreadable call: ${text}`);
  }
  return parsed.value;
}

function parseEvent(text: string): SchedulerEvent {
  const parsed = parseSchedulerEvent(JSON.parse(text));
  if (parsed.kind !== 'parsed') throw new Error(`unreadable event: ${text}`);
  return parsed.value;
}
