import { appsOfRoute, type Route, type RouteTable } from '#routing';
import { appsOfTable } from './wanted-edge.js';

/** The apps that have routes, or asked for some in vain. */
export class RoutedApps {
  private ids: ReadonlySet<string> = new Set();
  private table: RouteTable = { routes: [], conflicts: [] };

  /** Called with each new table. Made anew only where apps came or went: most changes are of endpoints. */
  follow(table: RouteTable): void {
    const before = this.table;
    this.table = table;
    if (haveSameApps(table, before)) return;
    this.ids = appsOfTable(table);
  }

  has(appId: string): boolean {
    return this.ids.has(appId);
  }
}

const haveSameApps = (table: RouteTable, before: RouteTable): boolean =>
  table.conflicts === before.conflicts &&
  table.routes.length === before.routes.length &&
  table.routes.every((route, index) => haveSameMembers(route, before.routes[index]));

const haveSameMembers = (route: Route, other: Route | undefined): boolean =>
  route === other || (other !== undefined && `${appsOfRoute(route)}` === `${appsOfRoute(other)}`);
