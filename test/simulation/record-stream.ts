import type { Network, Route } from './network.js';
import type { SimulatedProcess } from './simulated-process.js';

/** What the client sees, in order. */
export interface StreamClient {
  /** The first record is on its way: the server took the stream. */
  readonly opened: (streamId: string) => void;
  readonly refused: (status: number, message: string) => void;
  readonly record: (text: string) => void;
  readonly closed: (reason: string) => void;
}

/** Sums of times are not exact: what is due is not held back by the last bit. */
const ROUNDING_MS = 1e-6;

interface Frame {
  readonly dueMs: number;
  readonly deliver: () => void;
}

/**
 * One streaming answer, server to client, as TCP carries it: in order, without gaps, until it breaks. A break loses
 * what is under way, and each side learns of it in its own time.
 */
export class RecordStream {
  private frames: Frame[] = [];
  private lastDueMs = 0;
  private isClientOpen = true;
  private isServerOpen = true;
  private hasOpened = false;
  private serverClosed: () => void = () => undefined;
  private readonly unsubscribers: (() => void)[] = [];

  constructor(
    private readonly parts: {
      readonly network: Network;
      readonly route: Route;
      readonly client: SimulatedProcess;
      readonly handlers: StreamClient;
    },
  ) {
    parts.network.streams.add(this);
    this.unsubscribers.push(parts.client.onEnd(() => this.destroy()));
  }

  get route(): Route {
    return this.parts.route;
  }

  /** Client side: the request leaves. Nobody answers a dead server's calls but its kernel. */
  request(server: () => SimulatedProcess, arrive: () => void): void {
    const { network, route } = this.parts;
    network.world.after(network.delayMs(), () =>
      route.whenUp(() => {
        const process = server();
        if (!process.isAlive) {
          this.fail('connection refused');
          return;
        }
        const unsubscribe = process.onEnd(() => this.fail('connection reset'));
        process.enter(() => {
          unsubscribe();
          arrive();
        });
      }),
    );
  }

  /** The request has arrived; `onClosed` is called once, unless the server ends the stream itself. */
  admitted(server: SimulatedProcess, onClosed: () => void): void {
    this.serverClosed = () => server.enter(onClosed);
    const unsubscribe = server.onEnd(() => {
      if (!this.isServerOpen) return;
      this.isServerOpen = false;
      this.enqueue(() => this.tellClient('connection reset'));
    });
    this.unsubscribers.push(unsubscribe);
    if (!this.isClientOpen) this.tellServerLater();
  }

  /** Server side. False when the server knows that it is closed. */
  send(streamId: string, record: unknown): boolean {
    if (!this.isServerOpen) return false;
    if (!this.hasOpened) {
      this.hasOpened = true;
      this.enqueue(() => this.parts.handlers.opened(streamId));
    }
    const text = JSON.stringify(record);
    this.enqueue(() => this.parts.handlers.record(text));
    return true;
  }

  /** Server side: ends it after what was sent. */
  end(): void {
    if (!this.isServerOpen) return;
    this.isServerOpen = false;
    this.enqueue(() => this.tellClient('the master ended the stream'));
  }

  /** Server side: another answer than a stream. */
  refuse(status: number, message: string): void {
    if (!this.isServerOpen || this.hasOpened) return;
    this.isServerOpen = false;
    this.enqueue(() => {
      this.isClientOpen = false;
      this.forget();
      this.parts.handlers.refused(status, message);
    });
  }

  private fail(reason: string): void {
    this.isServerOpen = false;
    this.enqueue(() => this.tellClient(reason));
  }

  /** Client side: gives it up. */
  destroy(): void {
    if (!this.isClientOpen) return;
    this.isClientOpen = false;
    this.frames = [];
    this.forget();
    this.tellServerLater();
  }

  /** The connection breaks under both. */
  break(): void {
    const { network, client } = this.parts;
    const { random } = network.world;
    this.frames = [];
    this.forget();
    const clientMs = random.network.chance(0.1)
      ? random.network.between(500, 8_000)
      : network.delayMs();
    network.world.troubles.add(this.route.host, clientMs);
    network.world.after(clientMs, () => client.enter(() => this.tellClient('connection reset')));
    this.tellServerLater();
  }

  private enqueue(deliver: () => void): void {
    const { network } = this.parts;
    const { world } = network;
    this.lastDueMs = Math.max(this.lastDueMs, world.nowMs + network.delayMs());
    this.frames.push({ dueMs: this.lastDueMs, deliver });
    world.after(this.lastDueMs - world.nowMs, () => this.parts.route.whenUp(() => this.pump()));
  }

  private pump(): void {
    const { world } = this.parts.network;
    while (this.route.isUp) {
      const [frame] = this.frames;
      if (frame === undefined || frame.dueMs > world.nowMs + ROUNDING_MS) return;
      this.frames.shift();
      this.parts.client.enter(() => {
        if (this.isClientOpen) frame.deliver();
      });
    }
  }

  private tellClient(reason: string): void {
    if (!this.isClientOpen) return;
    this.isClientOpen = false;
    this.forget();
    this.parts.handlers.closed(reason);
  }

  private tellServerLater(): void {
    const { network, route } = this.parts;
    const { random } = network.world;
    const ms = random.network.chance(0.1) ? random.network.between(500, 8_000) : network.delayMs();
    network.world.after(ms, () =>
      route.whenUp(() => {
        if (!this.isServerOpen) return;
        this.isServerOpen = false;
        this.serverClosed();
      }),
    );
  }

  private forget(): void {
    this.parts.network.streams.delete(this);
    if (!this.isServerOpen) for (const unsubscribe of this.unsubscribers.splice(0)) unsubscribe();
  }
}
