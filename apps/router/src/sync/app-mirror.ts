import type { WireApp } from '#marathon-v2';

/** Is told of every change, once the mirror has it. `health` is the last known one, by task. */
export interface MirrorListener {
  replaceAll(apps: readonly WireApp[], health: ReadonlyMap<string, boolean>): void;
  put(id: string, app: WireApp | undefined, health: ReadonlyMap<string, boolean>): void;
}

/** What this router last read of the controller's apps, and the health it last saw of each task. */
export class AppMirror {
  private readonly apps = new Map<string, WireApp>();
  private health = new Map<string, boolean>();
  /** App -> its tasks that are being taken out of rotation; only apps with some. */
  private readonly draining = new Map<string, readonly string[]>();

  constructor(private readonly listener?: MirrorListener) {}

  /** Tasks that were healthy in a former life of this router count as such until something else is heard. */
  recall(healthyTasks: readonly string[]): void {
    for (const task of healthyTasks) this.health.set(task, true);
  }

  /** Replaces everything by a snapshot. */
  replaceAll(apps: readonly WireApp[]): void {
    this.apps.clear();
    for (const app of apps) this.apps.set(app.id, app);
    const known = this.health;
    this.health = new Map();
    this.draining.clear();
    for (const app of apps) {
      this.learnHealth(app, known);
      this.noteDraining(app.id, app);
    }
    this.listener?.replaceAll(apps, this.health);
  }

  /** Puts one app, or removes it when it no longer exists. */
  put(id: string, app: WireApp | undefined): void {
    for (const task of this.apps.get(id)?.tasks ?? []) {
      if (app?.tasks?.some((other) => other.id === task.id) !== true) this.health.delete(task.id);
    }
    this.noteDraining(id, app);
    if (app === undefined) this.apps.delete(id);
    else {
      this.apps.set(id, app);
      this.learnHealth(app, this.health);
    }
    this.listener?.put(id, app, this.health);
  }

  has(id: string): boolean {
    return this.apps.has(id);
  }

  list(): readonly WireApp[] {
    return [...this.apps.values()];
  }

  get lastKnownHealth(): ReadonlyMap<string, boolean> {
    return this.health;
  }

  /** Ids of tasks that were healthy when last heard of. */
  healthyTasks(): readonly string[] {
    return [...this.health].filter(([, isHealthy]) => isHealthy).map(([task]) => task);
  }

  /** Ids of tasks that are being taken out of rotation. O(those). */
  drainingTasks(): readonly string[] {
    return [...this.draining.values()].flat();
  }

  private noteDraining(id: string, app: WireApp | undefined): void {
    const tasks = (app?.tasks ?? []).filter((task) => task.draining !== undefined);
    if (tasks.length === 0) this.draining.delete(id);
    else
      this.draining.set(
        id,
        tasks.map((task) => task.id),
      );
  }

  private learnHealth(app: WireApp, known: ReadonlyMap<string, boolean>): void {
    for (const task of app.tasks ?? []) {
      const results = task.healthCheckResults ?? [];
      const before = known.get(task.id);
      if (results.length > 0)
        this.health.set(
          task.id,
          results.some((result) => result.alive),
        );
      else if (before !== undefined) this.health.set(task.id, before);
    }
  }
}
