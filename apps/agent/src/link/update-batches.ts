import { type AgentCall, type AgentUpdate, MAX_UPDATES } from '#mesos-v1';

type UpdateCall = Extract<AgentCall, { readonly type: 'UPDATE' }>;

interface Waiting {
  readonly update: AgentUpdate;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Calls with updates under way at once; what comes meanwhile goes together in the next one. */
const MAX_POSTS = 2;
const MAX_WAITING = 10_000;

/**
 * Sends UPDATEs of one stream in few calls: those made in one turn of the event loop, and while earlier ones are under
 * way, travel together. Each promise settles as the call it went with.
 */
export class UpdateBatches {
  private waiting: Waiting[] = [];
  private posts = 0;
  private isScheduled = false;

  constructor(
    /** Of every call of this stream. */
    private readonly head: Pick<UpdateCall, 'agent_id' | 'stream_id'>,
    private readonly post: (call: Exclude<AgentCall, { type: 'SUBSCRIBE' }>) => Promise<void>,
  ) {}

  isOf(call: UpdateCall): boolean {
    const { agent_id, stream_id } = this.head;
    return call.stream_id === stream_id && call.agent_id.value === agent_id.value;
  }

  /** Rejects when the call did not arrive, or too many wait. */
  add(update: AgentUpdate): Promise<void> {
    if (this.waiting.length >= MAX_WAITING) {
      return Promise.reject(new Error(`${MAX_WAITING} updates wait for the master already`));
    }
    return new Promise((resolve, reject) => {
      this.waiting.push({ update, resolve, reject });
      this.schedule();
    });
  }

  private schedule(): void {
    if (this.isScheduled || this.posts >= MAX_POSTS || this.waiting.length === 0) return;
    this.isScheduled = true;
    setImmediate(() => {
      this.isScheduled = false;
      void this.send(this.waiting.splice(0, MAX_UPDATES));
      this.schedule();
    });
  }

  private async send(batch: readonly Waiting[]): Promise<void> {
    const updates = batch.map(({ update }) => update);
    const [only, ...others] = updates;
    if (only === undefined) return;
    this.posts += 1;
    try {
      await this.post(
        others.length === 0
          ? { type: 'UPDATE', ...this.head, update: only }
          : { type: 'UPDATES', ...this.head, updates },
      );
      for (const { resolve } of batch) resolve();
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      this.posts -= 1;
      this.schedule();
    }
  }
}
