import type { WireApp } from '#marathon-v2';
import {
  type AppRoutes,
  appsOfRoute,
  type BuiltTable,
  buildRoutes,
  type EdgeModel,
  type EdgeScope,
  type PortRules,
  type RouteListener,
  type RouteTable,
  type RoutingOptions,
  toEdgeModel,
  withEndpointChanges,
} from '#routing';
import type { AppMirror } from './app-mirror.js';
import { NONE_OCCUPIED } from './occupied-ports.js';
import { RefusedRoutes } from './refused-routes.js';

/** What this edge was set up to serve. */
export type EdgeRules = EdgeScope & Pick<PortRules, 'reservedPorts' | 'reservedNames'>;

/** The edge as it should be now, and what could not be had. */
export interface Wanted {
  readonly table: RouteTable;
  readonly model: EdgeModel;
}

/** Apps on which a table depends: what becomes of them is to be read at once. */
export const appsOfTable = ({ routes, conflicts }: RouteTable): ReadonlySet<string> =>
  new Set([...routes.flatMap(appsOfRoute), ...conflicts.map(({ appId }) => appId)]);

/**
 * Makes routes of what the mirror knows. What HAProxy refused of an app is left out, or, where an earlier form of it was
 * served, stays as it was, with the instances of now. Costs little for apps that have not changed.
 */
export class WantedEdge {
  readonly refused = new RefusedRoutes();
  private memory = new WeakMap<WireApp, AppRoutes>();
  private known: EdgeRules | undefined;
  private last: (BuiltTable & { readonly ports: ReadonlySet<string> }) | undefined;
  private model: EdgeModel | undefined;

  constructor(
    private readonly mirror: Pick<AppMirror, 'lastKnownHealth' | 'list'>,
    /** The same object while they are the same. */
    private readonly rules: () => EdgeRules,
  ) {}

  /** `occupiedPorts`: what cannot be listened on here. */
  build(occupiedPorts: ReadonlySet<string>): Wanted {
    const table = this.tableWithout(occupiedPorts);
    this.model = toEdgeModel(table, this.model);
    return { table, model: this.model };
  }

  /** Where apps would listen if it were free. */
  wantedListeners(): readonly RouteListener[] {
    const { routes } = this.tableWithout(NONE_OCCUPIED);
    return routes.flatMap(({ listener }) => (listener === undefined ? [] : [listener]));
  }

  private tableWithout(occupiedPorts: ReadonlySet<string>): RouteTable {
    const rules = this.rules();
    // What was found under other rules says nothing.
    if (rules !== this.known) this.memory = new WeakMap();
    const options = {
      ...rules,
      occupiedPorts,
      lastKnownHealth: this.mirror.lastKnownHealth,
      memory: this.memory,
    };
    const apps = this.mirror.list();
    const { last } = this;
    const isLike =
      last?.ports === occupiedPorts &&
      rules === this.known &&
      // Of what is refused some is to be tried again in time.
      this.refused.isEmpty &&
      !last.table.conflicts.some(({ kind }) => kind === 'refused');
    this.known = rules;
    const table =
      (isLike ? withEndpointChanges(last, apps, options) : undefined) ??
      this.buildAnew(apps, options);
    this.last = { apps, table, ports: occupiedPorts };
    return table;
  }

  private buildAnew(apps: readonly WireApp[], options: RoutingOptions): RouteTable {
    const asked = new Set<string>();
    const table = buildRoutes(apps, {
      ...options,
      admit: (route) => {
        asked.add(route.backend);
        return this.refused.admit(route);
      },
    });
    this.refused.keepOnly(asked);
    return table;
  }
}
