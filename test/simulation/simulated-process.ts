import { type Clock, FencedError } from '#core';
import type { World } from './world.js';

/** What the calls of a dead process return: nothing, ever. */
const NEVER = new Promise<never>(() => undefined);

export interface PortWrapping {
  readonly label: string;
  /** Reads and registrations: neither delayed nor a place to crash at. */
  readonly passThrough?: readonly string[];
  /** Virtual milliseconds to the effect, and again back where it is remote; absent: at once. */
  readonly latencyMs?: () => number;
  /** `remote`: a request that has left takes effect even if the process dies meanwhile. */
  readonly where?: 'local' | 'remote';
}

/**
 * One life of a daemon. Everything that goes in or out passes here, so that it can be killed between any two effects:
 * a dead process changes nothing any more, whatever its promises still do. A frozen one does everything later.
 */
export class SimulatedProcess {
  readonly clock: Clock;
  private state: 'running' | 'frozen' | 'dead' = 'running';
  private deferred: (() => void)[] = [];
  private readonly endListeners = new Set<() => void>();
  private readonly timers = new Set<() => void>();
  private crashIn: number | undefined;
  private crashSide: 'before' | 'after' = 'before';

  constructor(
    readonly name: string,
    readonly world: World,
  ) {
    world.troubles.end(name, 'is dead');
    // Each process has a zero of its own: a moment of a former life must mean nothing.
    const zeroMs = world.random.processes.integer(0, 1_000_000);
    this.clock = {
      now: () => {
        const { epochMs, monoMs } = world.queue.now();
        return { epochMs, monoMs: monoMs + zeroMs };
      },
      schedule: (delayMs, task) => this.schedule(delayMs, task),
    };
  }

  get isAlive(): boolean {
    return this.state !== 'dead';
  }

  /** Something from outside happens to it: now, after the thaw, or never. */
  enter(task: () => void): void {
    this.world.touched.add(this.name);
    if (this.state === 'running') task();
    else if (this.state === 'frozen') this.deferred.push(task);
  }

  /** SIGKILL. */
  kill(why: string): void {
    if (this.state === 'dead') return;
    this.state = 'dead';
    this.world.trace.add(this.name, `DIES: ${why}`);
    this.world.troubles.begin(this.name, 'is dead');
    this.deferred = [];
    for (const cancel of this.timers) cancel();
    this.timers.clear();
    for (const listener of [...this.endListeners]) listener();
  }

  /** It ends by its own decision. Only the loss of leadership is a good reason. */
  exit(error: unknown): void {
    if (this.state === 'dead') return;
    const isGoodReason =
      error instanceof FencedError ||
      (error instanceof Error && /lease|failed over/.test(error.message));
    if (!isGoodReason) this.world.violate(`${this.name} gave up: ${describe(error)}`);
    this.kill(`exit: ${error instanceof Error ? error.message : String(error)}`);
  }

  /** SIGSTOP, and SIGCONT later. */
  freeze(forMs: number): void {
    if (this.state !== 'running') return;
    this.state = 'frozen';
    this.world.troubles.add(this.name, forMs);
    this.world.trace.add(this.name, `is frozen for ${Math.round(forMs)} ms`);
    this.world.queue.schedule(forMs, () => {
      if (this.state !== 'frozen') return;
      this.state = 'running';
      this.world.trace.add(this.name, 'goes on');
      while (this.deferred.length > 0 && this.state === ('running' as typeof this.state)) {
        this.deferred.shift()?.();
      }
    });
  }

  onEnd(listener: () => void): () => void {
    this.endListeners.add(listener);
    return () => this.endListeners.delete(listener);
  }

  /** Kills it at its n-th port call from now, before or after the effect. */
  crashAfterCalls(count: number, side: 'before' | 'after'): void {
    this.crashIn = count;
    this.crashSide = side;
  }

  /** Forgets a crash that was planned. */
  spare(): void {
    this.crashIn = undefined;
  }

  /** The port as this process sees it. */
  wrap<Port extends object>(port: Port, wrapping: PortWrapping): Port {
    const passThrough = new Set<string | symbol>(wrapping.passThrough);
    return new Proxy(port, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key, target);
        if (typeof value !== 'function') return value;
        if (passThrough.has(key)) return value.bind(target);
        return (...args: unknown[]) =>
          this.callPort(`${wrapping.label}.${String(key)}`, wrapping, () =>
            Reflect.apply(value, target, args),
          );
      },
    });
  }

  private schedule(delayMs: number, task: () => void): () => void {
    if (this.state === 'dead') return () => undefined;
    const cancelInQueue = this.world.queue.schedule(delayMs, () => {
      this.timers.delete(cancel);
      this.enter(() => {
        if (!isCancelled) task();
      });
    });
    let isCancelled = false;
    const cancel = () => {
      isCancelled = true;
      cancelInQueue();
      this.timers.delete(cancel);
    };
    this.timers.add(cancel);
    return cancel;
  }

  private callPort(label: string, wrapping: PortWrapping, effect: () => unknown): unknown {
    if (this.state === 'dead') return NEVER;
    const crash = this.drawCrash();
    if (crash === 'before') {
      this.kill(`just before ${label}`);
      return NEVER;
    }
    if (wrapping.latencyMs !== undefined) {
      return this.callLater(label, wrapping, { effect, crash, latencyMs: wrapping.latencyMs });
    }
    const result = effect();
    if (crash === 'after') {
      this.kill(`just after ${label}`);
      if (result instanceof Promise) result.catch(() => undefined);
      return NEVER;
    }
    if (!(result instanceof Promise)) return result;
    return new Promise((resolve, reject) => {
      result.then(
        (value) => this.enter(() => resolve(value)),
        (error) => this.enter(() => reject(error)),
      );
    });
  }

  private callLater(
    label: string,
    wrapping: PortWrapping,
    call: {
      readonly effect: () => unknown;
      readonly crash: 'after' | undefined;
      readonly latencyMs: () => number;
    },
  ): Promise<unknown> {
    const { queue } = this.world;
    return new Promise((resolve, reject) => {
      const isRemote = wrapping.where === 'remote';
      const answer = (respond: () => void) => {
        if (call.crash === 'after') this.kill(`just after ${label}`);
        if (isRemote) queue.schedule(call.latencyMs(), () => this.enter(respond));
        else this.enter(respond);
      };
      const act = async () => {
        try {
          const value = await call.effect();
          answer(() => resolve(value));
        } catch (error) {
          answer(() => reject(error));
        }
      };
      queue.schedule(call.latencyMs(), () => {
        if (isRemote) void act();
        else this.enter(() => void act());
      });
    });
  }

  private drawCrash(): 'before' | 'after' | undefined {
    if (this.crashIn === undefined) return undefined;
    this.crashIn -= 1;
    if (this.crashIn > 0) return undefined;
    this.crashIn = undefined;
    return this.crashSide;
  }
}

const describe = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);
