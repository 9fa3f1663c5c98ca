/**
 * Remembers which methods each route answers, to tell 405 from 404. Only asked on the way to an error, so a linear scan
 * over the routes is fine. A bare `*` (static files, deep links of the UI) does not count.
 */
export class RouteTable {
  private readonly routes: { readonly pattern: RegExp; readonly methods: readonly string[] }[] = [];

  /** Every route as it was added, bare ones too. */
  readonly all: { readonly path: string; readonly methods: readonly string[] }[] = [];

  /** Adds a route as Fastify spells it: `/v2/apps/:id`, `/v2/apps/*`. */
  add(path: string, methods: readonly string[]): void {
    this.all.push({ path, methods });
    if (path === '*' || path === '/*') return;
    const source = path
      .replace(/\/+$/, '')
      .replace(/[.*+?^${}()|[\]\\]/g, (char) => (char === '*' ? '.*' : `\\${char}`))
      .replace(/:[A-Za-z_]\w*/g, '[^/]+');
    this.routes.push({ pattern: new RegExp(`^${source}/?$`), methods });
  }

  /** The methods allowed on a request URL, sorted; empty when there is no such route. */
  methodsOf(url: string): readonly string[] {
    const path = (url.split('?', 1)[0] ?? '').replace(/\/{2,}/g, '/');
    const methods = this.routes
      .filter((route) => route.pattern.test(path))
      .flatMap((route) => route.methods);
    return [...new Set(methods)].sort();
  }
}
