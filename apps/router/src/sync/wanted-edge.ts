import type { WireApp } from '#marathon-v2';
import {
  type AppRoutes,
  appsOfRoute,
  buildRoutes,
  type EdgeModel,
  type EdgeScope,
  type PortRules,
  type RouteTable,
  toEdgeModel,
} from '#routing';
import type { AppMirror } from './app-mirror.js';
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
  private model: EdgeModel | undefined;

  constructor(
    private readonly mirror: Pick<AppMirror, 'lastKnownHealth' | 'list'>,
    /** The same object while they are the same. */
    private readonly rules: () => EdgeRules,
  ) {}

  /** `occupiedPorts`: ports that somebody else has on this host. */
  build(occupiedPorts: ReadonlySet<number>): Wanted {
    const table = this.tableWithout(occupiedPorts);
    this.model = toEdgeModel(table, this.model);
    return { table, model: this.model };
  }

  /** Ports apps would listen on if they were free. */
  wantedPorts(): readonly number[] {
    const { routes } = this.tableWithout(new Set());
    return routes.flatMap(({ listener }) => (listener === undefined ? [] : [listener.port]));
  }

  private tableWithout(occupiedPorts: ReadonlySet<number>): RouteTable {
    const rules = this.rules();
    // What was found under other rules says nothing.
    if (rules !== this.known) this.memory = new WeakMap();
    this.known = rules;
    const asked = new Set<string>();
    const table = buildRoutes(this.mirror.list(), {
      ...rules,
      occupiedPorts,
      lastKnownHealth: this.mirror.lastKnownHealth,
      memory: this.memory,
      admit: (route) => {
        asked.add(route.backend);
        return this.refused.admit(route);
      },
    });
    this.refused.keepOnly(asked);
    return table;
  }
}
