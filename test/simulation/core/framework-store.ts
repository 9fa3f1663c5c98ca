import { FencedError, type FrameworkId, type TaskState } from '#core';

/** A task as its framework remembers it. */
export interface StoredTask {
  readonly id: string;
  /** Which of the framework's demands it serves. */
  readonly demand: string;
  readonly agentId: string;
  /** It runs in. */
  readonly executor?: string;
  /** `launching`: stored, and nothing was heard of it yet. */
  readonly state: TaskState | 'launching';
  /** It is to end, or is believed to have ended: should it turn up, it is killed. */
  readonly isGivenUp: boolean;
}

export type FrameworkChange =
  | { readonly kind: 'subscribed'; readonly frameworkId: FrameworkId }
  | { readonly kind: 'put-task'; readonly task: StoredTask }
  /** Torn down: the id and all tasks are history. */
  | { readonly kind: 'start-over' };

export interface FrameworkSnapshot {
  /** Who may write: the instance that opened the store last. */
  readonly generation: number;
  readonly frameworkId: FrameworkId | undefined;
  readonly tasks: readonly StoredTask[];
  readonly nextTask: number;
}

/** Where a framework keeps what it must not forget. */
export interface FrameworkStore {
  open(): Promise<FrameworkSnapshot>;
  /** Throws FencedError when another instance has opened the store since. */
  commit(generation: number, changes: readonly FrameworkChange[]): Promise<void>;
}

/** It outlives the instances of its framework, as a database would. */
export class FrameworkDisk implements FrameworkStore {
  readonly tasks = new Map<string, StoredTask>();
  frameworkId: FrameworkId | undefined;
  private readonly history = new Set<string>();
  private readonly forgotten = new Set<string>();
  private generation = 0;
  private made = 0;

  /** A task of an id that was torn down. */
  isForgotten(task: string): boolean {
    return this.forgotten.has(task);
  }

  /** Whether the task was ever stored in this state. */
  hasStored(task: string, state: string): boolean {
    return this.history.has(`${task} ${state}`);
  }

  async open(): Promise<FrameworkSnapshot> {
    this.generation += 1;
    const { generation, frameworkId, made } = this;
    return { generation, frameworkId, tasks: [...this.tasks.values()], nextTask: made };
  }

  async commit(generation: number, changes: readonly FrameworkChange[]): Promise<void> {
    if (generation !== this.generation) {
      throw new FencedError(`instance ${generation} was replaced by ${this.generation}`);
    }
    for (const change of changes) this.apply(change);
  }

  private apply(change: FrameworkChange): void {
    switch (change.kind) {
      case 'subscribed':
        this.frameworkId = change.frameworkId;
        return;
      case 'put-task':
        // A number is used once, whoever used the ones before and never stored it.
        this.made = Math.max(this.made, numberOf(change.task.id) + 1);
        this.tasks.set(change.task.id, change.task);
        this.history.add(`${change.task.id} ${change.task.state}`);
        return;
      case 'start-over':
        this.frameworkId = undefined;
        for (const id of this.tasks.keys()) this.forgotten.add(id);
        this.tasks.clear();
        return;
      default:
        change satisfies never;
    }
  }
}

const numberOf = (id: string): number => Number(id.slice(id.lastIndexOf('.') + 1));
