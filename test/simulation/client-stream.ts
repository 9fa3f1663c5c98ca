import type { ExecutorEvent } from '#mesos-v1';
import type { ExecutorStream } from '../../apps/agent/src/engine/executor-streams.js';
import type { World } from './world.js';

/** The executor's end of its stream: records arrive in order, each in its own time, until it breaks. */
export class ClientStream implements ExecutorStream {
  isOver = false;
  private readonly waiting: string[] = [];
  private readonly lostListeners: (() => void)[] = [];

  constructor(
    private readonly world: World,
    private readonly handlers: {
      readonly event: (event: ExecutorEvent) => void;
      readonly ended: () => void;
    },
  ) {}

  send(event: ExecutorEvent): boolean {
    if (this.isOver) return false;
    this.waiting.push(JSON.stringify(event));
    const { executors } = this.world.random;
    this.world.after(executors.between(0.05, 3), () => {
      const text = this.isOver ? undefined : this.waiting.shift();
      if (text !== undefined) this.handlers.event(JSON.parse(text));
    });
    return true;
  }

  /** The agent ends it, or is gone: what is under way is lost. */
  end(): void {
    this.world.after(this.world.random.executors.between(0.05, 3), () => this.handlers.ended());
  }

  onLost(listener: () => void): void {
    this.lostListeners.push(listener);
  }

  lose(): void {
    this.isOver = true;
    for (const listener of this.lostListeners.splice(0)) listener();
  }
}
