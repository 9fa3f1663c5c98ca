import {
  type App,
  type Deployment,
  type Instance,
  type JobProgress,
  type StoreChange,
  taskId,
  taskOf,
} from '#core';

/** What one transaction made of each row it touched. */
export interface Committed {
  readonly instances: readonly Pair<Instance>[];
  readonly deployments: readonly Pair<Deployment>[];
  readonly jobs: readonly Pair<JobProgress>[];
  readonly apps: readonly Pair<App>[];
  /** Instances in the order in which it changed their conditions, with these. */
  readonly conditions: () => readonly { readonly instanceId: string; readonly condition: string }[];
}

/** Undefined: there was, or is, no such row. */
export interface Pair<Row> {
  readonly before: Row | undefined;
  readonly after: Row | undefined;
}

/** Rows as last committed, kept apart from the store so that it cannot lie about them. */
export class StoredState {
  readonly apps = new Map<string, App>();
  readonly instances = new Map<string, Instance>();
  readonly deployments = new Map<string, Deployment>();
  readonly jobs = new Map<string, JobProgress>();
  private readonly versions = new Map<string, App>();
  private readonly roots = new Map<number, ReadonlyMap<string, App>>();
  private revision = 0;

  /** The definition an instance runs, whether it is current or not. */
  appVersion(id: string, version: string): App | undefined {
    return this.versions.get(`${id}@${version}`);
  }

  /** Apps as declared at a revision. */
  rootAt(revision: number): ReadonlyMap<string, App> {
    return this.roots.get(revision) ?? new Map();
  }

  /** `lastConfigChangeAt` of what an instance runs. */
  configOf({ appId, appVersion }: Pick<Instance, 'appId' | 'appVersion'>): string | undefined {
    return this.appVersion(appId, appVersion)?.versionInfo.lastConfigChangeAt;
  }

  instancesOf(app: string): readonly Instance[] {
    return [...this.instances.values()].filter(({ appId }) => appId === app);
  }

  /** The instance one of whose tasks it is, or was. */
  taskInstance(task: string): Instance | undefined {
    const [id] = task.split('._app.');
    const known = id === undefined ? undefined : this.instances.get(id);
    return (
      known ?? [...this.instances.values()].find((one) => taskOf(one, taskId(task)) !== undefined)
    );
  }

  running(): readonly Deployment[] {
    return [...this.deployments.values()].filter(({ state }) => state === 'Running');
  }

  apply(changes: readonly StoreChange[]): Committed {
    const touched = { instances: new Rows<Instance>(this.instances), jobs: new Rows(this.jobs) };
    const deployments = new Rows<Deployment>(this.deployments);
    const apps = new Rows<App>(this.apps);
    for (const change of changes) {
      switch (change.kind) {
        case 'put-revision':
          for (const id of change.removeApps) apps.delete(id);
          for (const app of change.putApps) {
            apps.set(app.id, app);
            this.versions.set(`${app.id}@${app.version}`, app);
          }
          this.revision = change.revision;
          this.roots.set(this.revision, new Map(this.apps));
          break;
        case 'put-instances':
          for (const instance of change.instances) touched.instances.set(instance.id, instance);
          break;
        case 'delete-instances':
          for (const id of change.ids) touched.instances.delete(id);
          break;
        case 'put-deployment':
          deployments.set(change.deployment.id, change.deployment);
          break;
        case 'put-job':
          touched.jobs.set(change.progress.appId, change.progress);
          break;
        case 'delete-job':
          touched.jobs.delete(change.app);
          break;
        default:
          break;
      }
    }
    return {
      instances: touched.instances.pairs(),
      jobs: touched.jobs.pairs(),
      deployments: deployments.pairs(),
      apps: apps.pairs(),
      conditions: () => changes.flatMap(conditionsIn),
    };
  }
}

const conditionsIn = (change: StoreChange): ReturnType<Committed['conditions']> =>
  change.kind === 'append-events'
    ? change.events
        .filter(({ type }) => type === 'instance_changed_event')
        .map(({ payload }) => JSON.parse(payload))
    : [];

/** Writes through to a table and remembers what each row was. */
class Rows<Row> {
  private readonly before = new Map<string, Row | undefined>();

  constructor(private readonly table: Map<string, Row>) {}

  set(id: string, row: Row): void {
    this.note(id);
    this.table.set(id, row);
  }

  delete(id: string): void {
    this.note(id);
    this.table.delete(id);
  }

  pairs(): readonly Pair<Row>[] {
    return [...this.before].map(([id, before]) => ({ before, after: this.table.get(id) }));
  }

  private note(id: string): void {
    if (!this.before.has(id)) this.before.set(id, this.table.get(id));
  }
}
