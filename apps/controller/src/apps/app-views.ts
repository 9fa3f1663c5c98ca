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
import { type Selection, selectFields } from '../lists/fields.js';
import { ControllerRuntime } from '../runtime/controller-runtime.js';
import { type AppEmbeds, keyOfEmbeds } from './app-embeds.js';

interface CachedApp {
  counter: number;
  app: App;
  readonly texts: Map<string, string>;
  tasks: readonly TaskText[] | undefined;
}

/** A task as text, and what one looks for in it. */
export interface TaskText {
  readonly id: string;
  readonly state: string;
  readonly host: string;
  readonly text: string;
}

/** Texts kept of one app, one per combination of embeds and of fields. */
const MAX_TEXTS = 12;
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
    const workload = this.runtime.engine.view.workloadOf(app);
    // The count of a daemon is how many agents should have it now.
    if (workload?.kind === 'daemon') {
      return JSON.stringify(toWireApp({ ...app, instances: workload.wanted }));
    }
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
    return remember(cached.texts, key, this.render(app, embeds));
  }

  /** The fields of one app that are asked for. */
  selected(app: App, embeds: AppEmbeds, selection: Selection): string {
    const make = (): string =>
      JSON.stringify(selectFields(JSON.parse(this.one(app, embeds)), selection));
    if (embeds.taskStats) return make();
    const { texts } = this.cacheOf(app);
    const key = keyOfSelection(selection);
    const known = texts.get(key);
    if (known !== undefined) return known;
    return remember(texts, key, make());
  }

  /** The tasks of an app as comma-separated JSON objects. */
  tasks(app: App): string {
    const { texts } = this.cacheOf(app);
    const known = texts.get('only tasks');
    if (known !== undefined) return known;
    const all = this.taskTexts(app).map(({ text }) => text);
    return remember(texts, 'only tasks', all.join(','));
  }

  /** The tasks of an app one by one. */
  taskTexts(app: App): readonly TaskText[] {
    const cached = this.cacheOf(app);
    cached.tasks ??= renderTasks(this.runtime.engine.view, app.id, app);
    return cached.tasks;
  }

  /** The tasks of an app that is no longer declared. */
  strayTasks(id: AppId): readonly TaskText[] {
    return renderTasks(this.runtime.engine.view, id, undefined);
  }

  /** `{"apps":[...]}` of all apps, as bytes; the same bytes until something changes. */
  allApps(embeds: AppEmbeds): Buffer {
    const { view } = this.runtime.engine;
    const counter = view.totalChangeCounter();
    const key = keyOfEmbeds(embeds);
    const known = this.lists.get(key);
    if (known?.counter === counter && !embeds.taskStats) return known.body;
    this.forgetRemoved(view.root().apps);
    const body = Buffer.from(this.list(this.listed(embeds), embeds));
    if (embeds.taskStats) return body;
    if (!this.lists.has(key) && this.lists.size >= MAX_LISTS) this.lists.clear();
    this.lists.set(key, { counter, body });
    return body;
  }

  /** Every app that is shown with these embeds, in order of id. */
  listed({ leaving }: AppEmbeds): readonly App[] {
    const { view } = this.runtime.engine;
    const declared = [...view.root().apps.values()].filter((app) => !isPod(app));
    const gone = leaving ? view.leavingApps() : [];
    if (gone.length === 0) return declared;
    return [...declared, ...gone].sort(({ id: left }, { id: right }) => (left < right ? -1 : 1));
  }

  /** `{"apps":[...]}` of some apps. */
  list(apps: readonly App[], embeds: AppEmbeds, selection?: Selection): string {
    const toText = (app: App): string =>
      selection === undefined ? this.one(app, embeds) : this.selected(app, embeds, selection);
    return `{"apps":[${apps.map(toText).join(',')}]}`;
  }

  private cacheOf(app: App): CachedApp {
    const counter = this.runtime.engine.view.changeCounter(app.id);
    const cached = this.apps.get(app.id);
    if (cached === undefined) {
      const fresh = { counter, app, texts: new Map<string, string>(), tasks: undefined };
      this.apps.set(app.id, fresh);
      return fresh;
    }
    if (cached.counter !== counter || cached.app !== app) {
      cached.counter = counter;
      cached.app = app;
      cached.texts.clear();
      cached.tasks = undefined;
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
      const workload = view.workloadOf(app);
      if (workload?.kind === 'job') {
        add('completed', workload.completed);
        add('failed', workload.failed);
      }
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
    if (embeds.leaving && !view.root().apps.has(app.id)) add('leaving', true);
    if (embeds.tasks) fields.push(`,"tasks":[${this.tasks(app)}]`);
    if (embeds.taskStats) {
      add('taskStats', computeTaskStats(app, instances, this.runtime.nowEpochMs()));
    }
    return `${this.definition(app).slice(0, -1)}${fields.join('')}}`;
  }
}

function remember(texts: Map<string, string>, key: string, text: string): string {
  if (texts.size >= MAX_TEXTS) texts.clear();
  texts.set(key, text);
  return text;
}

const selectionKeys = new WeakMap<Selection, string>();

/** Asked for each app of a list. */
function keyOfSelection(selection: Selection): string {
  let key = selectionKeys.get(selection);
  if (key === undefined) {
    key = `fields ${JSON.stringify(selection)}`;
    selectionKeys.set(selection, key);
  }
  return key;
}

/** The text of each task as it was last made, for as long as the instance stays the same. */
const taskTexts = new WeakMap<Instance, { readonly app: App; readonly task: TaskText }>();

const renderTasks = (view: ControllerView, id: AppId, app: App | undefined): readonly TaskText[] =>
  view.instancesOf(id).flatMap((instance) => renderTask(instance, app) ?? []);

/** Results of health checks change without the instance, so what shows them is made anew. */
function renderTask(observed: ObservedInstance, app: App | undefined): TaskText | undefined {
  const { instance, health } = observed;
  // Those of a pod are in its status.
  if (instance.podTasks !== undefined) return undefined;
  const known = taskTexts.get(instance);
  if (health.length === 0 && known !== undefined && known.app === app) return known.task;
  const wire = toWireTask(observed, app);
  if (wire === undefined) return undefined;
  const { id, state, host } = wire;
  const task = { id, state, host, text: JSON.stringify(wire) };
  if (health.length === 0 && app !== undefined) taskTexts.set(instance, { app, task });
  return task;
}
