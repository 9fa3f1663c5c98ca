import type { MasterFramework, MasterTask, MasterTouches } from '#cluster';
import type { TaskId } from '#core';
import { isUnreachable, type TaskView } from '../operator-api/legacy-views.js';
import type { Budget } from './budget.js';
import { PieceList } from './piece-list.js';
import type { ReadContext } from './read-context.js';

export type TaskListName = 'tasks' | 'unreachable' | 'completed';

/** One framework's tasks as a document writes them. */
export interface FrameworkTasks {
  readonly tasks: PieceList<TaskView>;
  readonly unreachable: PieceList<TaskView>;
  readonly completed: PieceList<TaskView>;
  /** Of all three. */
  readonly byteLength: number;
  /** Grows with each change of any of them. */
  readonly generation: number;
  /** Whether the framework is still there. */
  readonly isListed: () => boolean;
}

/**
 * The lists of tasks of one document. A touched task waits until the next reading; then its text is written anew, from
 * the ledger as it is. Nothing costs as much as there are tasks, but the first time.
 */
export class TaskLists {
  private readonly lists = new Map<MasterFramework, FrameworkTasks>();
  private readonly waiting = new Map<MasterFramework, Set<TaskId>>();

  constructor(
    private readonly context: ReadContext,
    private readonly render: (task: TaskView, framework: MasterFramework) => string,
  ) {
    for (const framework of context.state.frameworks.values()) {
      const ids = [...framework.tasks.keys(), ...framework.completedTasks.keys()];
      if (ids.length > 0) this.waiting.set(framework, new Set(ids));
    }
  }

  touch({ tasks }: MasterTouches): void {
    for (const task of tasks) this.touchTask(task);
  }

  private touchTask({ frameworkId, id }: MasterTask): void {
    const framework = this.context.state.frameworks.get(frameworkId);
    if (framework === undefined) return;
    const known = this.waiting.get(framework);
    if (known === undefined) this.waiting.set(framework, new Set([id]));
    else known.add(id);
  }

  /** True when nothing waits any more: the lists are what the ledger is now. */
  drain(budget: Budget): boolean {
    for (const [framework, ids] of this.waiting) {
      const lists = this.of(framework);
      for (const id of ids) {
        if (budget.isSpent()) return false;
        budget.spend(() => this.write(framework, lists, id));
        ids.delete(id);
      }
      this.waiting.delete(framework);
    }
    if (this.lists.size > this.context.state.frameworks.size) this.forgetRemoved();
    return true;
  }

  of(framework: MasterFramework): FrameworkTasks {
    const known = this.lists.get(framework);
    if (known !== undefined) return known;
    const { state } = this.context;
    const [tasks, unreachable, completed] = [
      new PieceList<TaskView>(),
      new PieceList<TaskView>(),
      new PieceList<TaskView>(),
    ];
    const made: FrameworkTasks = {
      tasks,
      unreachable,
      completed,
      get byteLength() {
        return tasks.byteLength + unreachable.byteLength + completed.byteLength;
      },
      get generation() {
        return tasks.generation + unreachable.generation + completed.generation;
      },
      isListed: () => state.frameworks.get(framework.id) === framework,
    };
    this.lists.set(framework, made);
    return made;
  }

  private write(framework: MasterFramework, lists: FrameworkTasks, id: TaskId): void {
    const task = framework.tasks.get(id);
    const isAway = task !== undefined && isUnreachable(task);
    this.set(framework, lists.tasks, id, isAway ? undefined : task);
    this.set(framework, lists.unreachable, id, isAway ? task : undefined);
    const { completed } = lists;
    const ended = framework.completedTasks.get(id);
    if (ended === undefined || completed.itemOf(id) !== ended) {
      // An id that was used again is as new as its last use, as in the ledger.
      completed.remove(id);
      this.set(framework, completed, id, ended);
    }
    // The oldest give way to it.
    for (let key = completed.firstKey; key !== undefined; key = completed.firstKey) {
      if (framework.completedTasks.has(key as TaskId)) break;
      completed.remove(key);
    }
  }

  private set(
    framework: MasterFramework,
    list: PieceList<TaskView>,
    id: TaskId,
    task: TaskView | undefined,
  ): void {
    if (task === undefined) list.remove(id);
    else list.put(id, task, this.render(task, framework));
  }

  private forgetRemoved(): void {
    for (const [framework, { isListed }] of this.lists) {
      if (!isListed()) this.lists.delete(framework);
    }
  }
}
