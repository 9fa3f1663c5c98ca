import {
  type App,
  type AppChange,
  type AppId,
  appId,
  type Group,
  type GroupId,
  groupId,
  isPod,
  isSameValue,
  nextRoot,
  type RootDelta,
  type RootGroup,
  servicePortsOf,
  stampVersion,
} from '#core';
import type { Definition } from './complete-app.js';
import { describeDependencyCycle } from './dependency-cycle.js';
import { ancestorsOf, parentOf } from './path-id.js';
import { accept, type Outcome, type ProblemLog, refuse } from './refusal.js';
import { labelPortsOf, type PortRange, ServicePortAssigner } from './service-ports.js';

/**
 * What a change of the declared state puts and removes. An app that was declared again without a difference is put as
 * the very object it was, so that whoever carries the change out can finish what was left undone.
 */
export type Declaration = RootDelta;

/** What every change is checked and completed by. */
export interface ChangeRules {
  readonly defaultRole: string;
  /** Of an app with persistent volumes that names none, where the default is `*`; default: `pacer`. */
  readonly residentRole?: string;
  readonly defaultNetworkName?: string;
  readonly features: ReadonlySet<string>;
  readonly servicePorts: PortRange;
  /** Ports of the edge and the daemons, that no app may listen on at the edge. */
  readonly reservedPorts?: ReadonlySet<number>;
  /** Whether a declared app asks the edge for this port, by a label or otherwise; absent: none does. */
  readonly isPortClaimed?: (port: number) => boolean;
}

interface PutApp {
  readonly definition: Definition;
  /** Where in the request it came from. */
  readonly path: string;
}

/**
 * A change under construction on top of a root. Owned by one change. {@link conclude} adds missing groups, assigns
 * service ports, stamps versions and checks what concerns more than one app.
 */
export class DeclarationDraft {
  private readonly apps = new Map<AppId, PutApp>();
  private readonly groups = new Map<GroupId, Group>();
  private readonly goneApps = new Set<AppId>();
  private readonly goneGroups = new Set<GroupId>();

  constructor(
    readonly root: RootGroup,
    readonly version: string,
    readonly rules: ChangeRules,
    readonly problems: ProblemLog,
  ) {}

  putApp(definition: Definition, path: string): void {
    this.apps.set(definition.id, { definition, path });
  }

  putGroup(group: Omit<Group, 'version'>): void {
    this.groups.set(group.id, { ...group, version: this.version });
  }

  removeApp(id: AppId): void {
    this.goneApps.add(id);
  }

  removeGroup(id: GroupId): void {
    if (id !== '/') this.goneGroups.add(id);
  }

  hasPut(id: AppId): boolean {
    return this.apps.has(id);
  }

  groupAt(id: GroupId): Group | undefined {
    const kept = this.goneGroups.has(id) ? undefined : this.root.groups.get(id);
    return this.groups.get(id) ?? kept;
  }

  conclude(): Outcome<Declaration> {
    this.addMissingGroups();
    this.refuseSharedPaths();
    const putApps = this.stampedApps();
    const declaration: Declaration = {
      putApps,
      removeApps: [...this.goneApps].filter((id) => this.root.apps.has(id) && !this.apps.has(id)),
      putGroups: [...this.groups.values()].filter((group) => this.isChanged(group)),
      removeGroups: [...this.goneGroups].filter(
        (id) => this.root.groups.has(id) && !this.groups.has(id),
      ),
    };
    const refusal = this.problems.refusal();
    if (refusal !== undefined) return refuse(refusal);
    this.checkDependencies(declaration);
    const cyclic = this.problems.refusal();
    return cyclic === undefined ? accept(declaration, this.problems.warnings) : refuse(cyclic);
  }

  private addMissingGroups(): void {
    const wanted = new Set([...this.apps.keys(), ...this.groups.keys()].flatMap(ancestorsOf));
    for (const text of wanted) {
      const id = groupId(text);
      if (this.groupAt(id) === undefined) {
        this.putGroup({ id, dependencies: [], enforceRole: false });
      }
    }
  }

  private refuseSharedPaths(): void {
    for (const [id, { path }] of this.apps) {
      if (this.groupAt(groupId(id)) !== undefined) {
        this.problems.reportRule(
          `${path}/id`,
          `an app and a group may not share a path: '${id}' is a group`,
        );
      }
    }
    for (const id of this.groups.keys()) {
      const app = this.root.apps.get(appId(id));
      if (app !== undefined && !this.goneApps.has(app.id) && !this.apps.has(app.id)) {
        this.problems.reportRule(
          '/id',
          `an app and a group may not share a path: '${id}' is ${isPod(app) ? 'a pod' : 'an app'}`,
        );
      }
    }
  }

  private stampedApps(): readonly App[] {
    const named = this.namedPorts();
    const { reservedPorts, isPortClaimed } = this.rules;
    const assigner = new ServicePortAssigner(this.rules.servicePorts, {
      declared: this.root.servicePorts,
      named: [...named.keys(), ...this.labelPorts()],
      isBarred: (port) => reservedPorts?.has(port) === true || isPortClaimed?.(port) === true,
    });
    const stamped: App[] = [];
    for (const [id, { definition, path }] of this.apps) {
      const before = this.root.apps.get(id);
      this.warnOfSharedPorts(definition, named);
      const assigned = assigner.assign(definition, before);
      if (assigned === undefined) {
        const { min, max } = this.rules.servicePorts;
        this.problems.reportRule(
          path === '' ? '/' : path,
          `no service port is left from ${min} to ${max}`,
        );
        continue;
      }
      stamped.push(stamp(assigned, before, this.version));
    }
    return stamped;
  }

  /** The service ports that this change names, each with the first app that does. */
  private namedPorts(): ReadonlyMap<number, AppId> {
    const named = new Map<number, AppId>();
    for (const { definition } of this.apps.values()) {
      for (const port of servicePortsOf(definition)) {
        if (port !== 0 && !named.has(port)) named.set(port, definition.id);
      }
    }
    return named;
  }

  /** The ports that labels of this change ask the edge for. */
  private labelPorts(): readonly number[] {
    return [...this.apps.values()].flatMap(({ definition }) => labelPortsOf(definition));
  }

  private warnOfSharedPorts(app: Definition, named: ReadonlyMap<number, AppId>): void {
    for (const port of servicePortsOf(app)) {
      if (port === 0) continue;
      const others = [...(this.root.servicePorts.get(port) ?? []), named.get(port) ?? app.id];
      const owner = others.find((id) => id !== app.id && !this.goneApps.has(id));
      if (owner !== undefined) {
        this.problems.warn(`service port ${port} of ${app.id} is also used by ${owner}`);
      }
    }
  }

  private isChanged(group: Group): boolean {
    const before = this.root.groups.get(group.id);
    return (
      before === undefined || !isSameValue({ ...before, version: '' }, { ...group, version: '' })
    );
  }

  private checkDependencies(declaration: Declaration): void {
    const root = nextRoot(this.root, declaration, this.version);
    const { apps, groups } = root;
    const cycle = describeDependencyCycle(root, declaration);
    if (cycle !== undefined) this.problems.reportRule('/', cycle);
    for (const { id, dependencies } of [...declaration.putApps, ...declaration.putGroups]) {
      for (const target of dependencies) {
        if (!apps.has(appId(target)) && !groups.has(groupId(target))) {
          this.problems.warn(`dependency ${target} of ${id} does not exist and is ignored`);
        }
      }
    }
  }
}

/** Another count is a scale, whatever else differs an upgrade: whether that restarts anything is not decided here. */
function stamp(definition: Definition, before: App | undefined, version: string): App {
  return stampVersion(definition, before, {
    version,
    change: before === undefined ? 'upgrade' : compare(definition, before),
    isRestart: false,
  });
}

function compare(definition: Definition, before: App): AppChange {
  const { version: _version, versionInfo: _versionInfo, ...earlier } = before;
  if (!isSameValue({ ...definition, instances: 0 }, { ...earlier, instances: 0 })) return 'upgrade';
  return definition.instances === before.instances ? 'none' : 'scale';
}

/** Apps and groups by the group that directly holds them. O(all apps and groups). */
export function indexChildren(
  root: RootGroup,
): ReadonlyMap<string, { readonly apps: readonly AppId[]; readonly groups: readonly GroupId[] }> {
  const children = new Map<string, { apps: AppId[]; groups: GroupId[] }>();
  const of = (parent: string): { apps: AppId[]; groups: GroupId[] } => {
    const known = children.get(parent) ?? { apps: [], groups: [] };
    children.set(parent, known);
    return known;
  };
  for (const id of root.apps.keys()) of(parentOf(id)).apps.push(id);
  for (const id of root.groups.keys()) if (id !== '/') of(parentOf(id)).groups.push(id);
  return children;
}
