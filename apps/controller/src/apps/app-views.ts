import { Injectable } from '@nestjs/common';
import { type App, type AppId, type Instance, isPod } from '#core';
import {
  computeTaskStats,
  countTasks,
  type ObservedInstance,
  toWireApp,
  toWireTask,
  toWireTaskFailure,
} from '#marathon-v2';
import type { ControllerView } from '../engine/controller-engine.port.js';
import { ControllerRuntime } from '../runtime/controller-runtime.js';
import { type AppEmbeds, keyOfEmbeds } from './app-embeds.js';

interface CachedApp {
  counter: number;
  app: App;
  readonly texts: Map<string, string>;
}

/** How many whole lists are kept, one per combination of embeds. */
const MAX_LISTS = 4;

/**
 * Apps as JSON text. The text of an app is made once per change of anything shown of it (the view counts changes), so a
 * list of thousands is a join of texts, and an unchanged list is the same bytes again.
 */
@Injectable()
export class AppViews {
  private readonly definitions = new WeakMap<App, string>();
  private readonly apps = new Map<AppId, CachedApp>();
  private readonly lists = new Map<string, { readonly counter: number; readonly body: Buffer }>();

  constructor(private readonly runtime: ControllerRuntime) {}

  /** The definition alone, without closing brace stripped or embeds. */
  definition(app: App): string {
    const known = this.definitions.get(app);
    if (known !== undefined) return known;
    const text = JSON.stringify(toWireApp(app));
    this.definitions.set(app, text);
    return text;
  }

  /** One app with embeds. Statistics depend on the time of day and are made anew each time. */
  one(app: App, embeds: AppEmbeds): string {
    if (embeds.taskStats) return this.render(app, embeds);
    const cached = this.cacheOf(app);
    const key = keyOfEmbeds(embeds);
    const known = cached.texts.get(key);
    if (known !== undefined) return known;
    const text = this.render(app, embeds);
    cached.texts.set(key, text);
    return text;
  }

  /** The tasks of an app as comma-separated JSON objects. */
  tasks(app: App): string {
    const cached = this.cacheOf(app);
    const known = cached.texts.get('only tasks');
    if (known !== undefined) return known;
    const text = renderTasks(this.runtime.engine.view, app);
    cached.texts.set('only tasks', text);
    return text;
  }

  /** `{"apps":[...]}` of all apps, as bytes; the same bytes until something changes. */
  allApps(embeds: AppEmbeds): Buffer {
    const { view } = this.runtime.engine;
    const counter = view.totalChangeCounter();
    const key = keyOfEmbeds(embeds);
    const known = this.lists.get(key);
    if (known?.counter === counter && !embeds.taskStats) return known.body;
    const { apps } = view.root();
    this.forgetRemoved(apps);
    const listed = [...apps.values()].filter((app) => !isPod(app));
    const body = Buffer.from(this.list(listed, embeds));
    if (embeds.taskStats) return body;
    if (!this.lists.has(key) && this.lists.size >= MAX_LISTS) this.lists.clear();
    this.lists.set(key, { counter, body });
    return body;
  }

  /** `{"apps":[...]}` of some apps. */
  list(apps: readonly App[], embeds: AppEmbeds): string {
    return `{"apps":[${apps.map((app) => this.one(app, embeds)).join(',')}]}`;
  }

  private cacheOf(app: App): CachedApp {
    const counter = this.runtime.engine.view.changeCounter(app.id);
    const cached = this.apps.get(app.id);
    if (cached === undefined) {
      const fresh = { counter, app, texts: new Map<string, string>() };
      this.apps.set(app.id, fresh);
      return fresh;
    }
    if (cached.counter !== counter || cached.app !== app) {
      cached.counter = counter;
      cached.app = app;
      cached.texts.clear();
    }
    return cached;
  }

  private forgetRemoved(apps: ReadonlyMap<AppId, App>): void {
    if (this.apps.size <= apps.size) return;
    for (const id of this.apps.keys()) if (!apps.has(id)) this.apps.delete(id);
  }

  private render(app: App, embeds: AppEmbeds): string {
    const { view } = this.runtime.engine;
    const fields: string[] = [];
    const add = (name: string, value: unknown): void => {
      if (value !== undefined) fields.push(`,"${name}":${JSON.stringify(value)}`);
    };
    const instances = embeds.counts || embeds.taskStats ? view.instancesOf(app.id) : [];
    if (embeds.counts) {
      for (const [name, count] of Object.entries(countTasks(instances))) add(name, count);
    }
    if (embeds.deployments) {
      add(
        'deployments',
        view.deploymentsOf(app.id).map((id) => ({ id })),
      );
    }
    if (embeds.readiness) add('readinessCheckResults', view.readinessOf(app.id));
    if (embeds.lastTaskFailure) {
      const failure = view.failureOf(app.id);
      if (failure !== undefined) add('lastTaskFailure', toWireTaskFailure(failure));
    }
    if (embeds.tasks) fields.push(`,"tasks":[${this.tasks(app)}]`);
    if (embeds.taskStats) {
      add('taskStats', computeTaskStats(app, instances, this.runtime.nowEpochMs()));
    }
    return `${this.definition(app).slice(0, -1)}${fields.join('')}}`;
  }
}

/** The text of each task as it was last made, for as long as the instance stays the same. */
const taskTexts = new WeakMap<Instance, { readonly app: App; readonly text: string }>();

const renderTasks = (view: ControllerView, app: App): string =>
  view
    .instancesOf(app.id)
    .flatMap((instance) => renderTask(instance, app) ?? [])
    .join(',');

/** Results of health checks change without the instance, so what shows them is made anew. */
function renderTask(observed: ObservedInstance, app: App): string | undefined {
  const { instance, health } = observed;
  const known = taskTexts.get(instance);
  if (health.length === 0 && known?.app === app) return known.text;
  const task = toWireTask(observed, app);
  if (task === undefined) return undefined;
  const text = JSON.stringify(task);
  if (health.length === 0) taskTexts.set(instance, { app, text });
  return text;
}
