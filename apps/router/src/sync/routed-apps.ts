import type { RouteTable } from '#routing';

/** The apps that have routes, or asked for some in vain. */
export class RoutedApps {
  private ids: ReadonlySet<string> = new Set();
  private table: RouteTable = { routes: [], conflicts: [] };

  /** Called with each new table. Made anew only where apps came or went: most changes are of endpoints. */
  follow(table: RouteTable): void {
    const before = this.table;
    this.table = table;
    if (haveSameApps(table, before)) return;
    this.ids = new Set([...table.routes, ...table.conflicts].map(({ appId }) => appId));
  }

  has(appId: string): boolean {
    return this.ids.has(appId);
  }
}

const haveSameApps = (table: RouteTable, before: RouteTable): boolean =>
  table.conflicts === before.conflicts &&
  table.routes.length === before.routes.length &&
  table.routes.every(({ appId }, index) => appId === before.routes[index]?.appId);
