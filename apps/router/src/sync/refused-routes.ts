import { type Admission, type Route, routeFingerprint } from '#routing';

/** Longest reason that is kept, in characters. */
const MAX_REASON = 500;

/** Routes that HAProxy did not take, until their apps say something else. */
export class RefusedRoutes {
  /** Backend -> what was refused, and why. */
  private readonly refused = new Map<string, { readonly print: string; readonly reason: string }>();
  /** Backend -> the form HAProxy last came up with. */
  private readonly served = new Map<string, Route>();

  /** HAProxy came up with these. */
  noteServed(routes: readonly Route[]): void {
    this.served.clear();
    for (const route of routes) this.served.set(route.backend, route);
  }

  noteRefused(routes: readonly Route[], reason: string): void {
    for (const route of routes) {
      this.refused.set(route.backend, {
        print: routeFingerprint(route),
        reason: reason.slice(0, MAX_REASON),
      });
    }
  }

  /** Tries them all again: what they were refused for may be over, such as a file that was missing. */
  forget(): void {
    this.refused.clear();
  }

  get size(): number {
    return this.refused.size;
  }

  /** What HAProxy refused is left out; where an earlier form of it was served, that one stays, with the instances of now. */
  admit(route: Route): Admission {
    const known = this.refused.get(route.backend);
    if (known === undefined || known.print !== routeFingerprint(route)) return { route };
    const { appId, portIndex } = route;
    const before = this.served.get(route.backend);
    const instead = before === undefined ? 'it is left out' : 'it is served as it was before';
    return {
      route: before && { ...before, endpoints: route.endpoints },
      refusal: {
        kind: 'refused',
        appId,
        portIndex,
        reason: `HAProxy refuses it: ${known.reason}; ${instead}`,
      },
    };
  }
}
