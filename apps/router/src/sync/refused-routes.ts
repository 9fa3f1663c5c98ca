import { type Admission, explainUnwritable, type Route, routeFingerprint } from '#routing';

/** Longest reason that is kept, in characters. */
const MAX_REASON = 500;
/** What was refused is tried again after this time: a file that was missing may be there now. */
const RETRY_MS = 300_000;
/** Where it could not listen, somebody else may be gone by then. */
const LISTEN_RETRY_MS = 30_000;
const IS_LISTENING = /cannot (?:listen|bind)/;

interface Refusal {
  readonly print: string;
  readonly reason: string;
  readonly atMs: number;
}

/** Routes that HAProxy did not take, until their apps say something else or are gone, or five minutes have gone by. */
export class RefusedRoutes {
  /** Backend -> what was refused, and why. */
  private readonly refused = new Map<string, Refusal>();
  private readonly judged = new Map<
    string,
    { readonly print: string; readonly reason: string | undefined }
  >();
  /** Backend -> the form HAProxy last came up with. */
  private readonly served = new Map<string, Route>();

  /** `nowMs`: the monotonic clock. */
  constructor(private readonly nowMs: () => number = () => performance.now()) {}

  /** Nothing is known to be refused: whatever can be written is admitted as it is. */
  get isEmpty(): boolean {
    for (const [backend, { atMs }] of this.refused) {
      if (this.nowMs() - atMs > RETRY_MS) this.refused.delete(backend);
    }
    return this.refused.size === 0;
  }

  /** Forgets what was found out about routes that nobody asks for any more. O(what is remembered). */
  keepOnly(backends: ReadonlySet<string>): void {
    for (const known of [this.refused, this.judged]) {
      for (const backend of known.keys()) if (!backends.has(backend)) known.delete(backend);
    }
  }

  /** What HAProxy refused may be right now: all of it is admitted once more. */
  retry(): void {
    this.refused.clear();
  }

  /** HAProxy came up with these. */
  noteServed(routes: readonly Route[]): void {
    this.served.clear();
    for (const route of routes) this.served.set(route.backend, route);
  }

  noteRefused(routes: readonly Route[], reason: string): void {
    for (const route of routes) {
      // What was served in this very form is not what to go back to: what it needs is there no more.
      const before = this.served.get(route.backend);
      const print = routeFingerprint(route);
      if (before !== undefined && routeFingerprint(before) === print) {
        this.served.delete(route.backend);
      }
      this.refused.set(route.backend, {
        print,
        reason: reason.slice(0, MAX_REASON),
        atMs: this.nowMs(),
      });
    }
  }

  /** What HAProxy refused is left out; where an earlier form of it was served, that one stays, with the instances of now. */
  admit(route: Route): Admission {
    const unwritable = this.unwritable(route);
    if (unwritable !== undefined) return this.refusal(route, unwritable);
    const known = this.refused.get(route.backend);
    if (known === undefined || known.print !== routeFingerprint(route)) return { route };
    const retryMs = IS_LISTENING.test(known.reason) ? LISTEN_RETRY_MS : RETRY_MS;
    if (this.nowMs() - known.atMs > retryMs) {
      this.refused.delete(route.backend);
      return { route };
    }
    return this.refusal(route, known.reason);
  }

  /** What cannot even be written, found once for each form of a route. */
  private unwritable(route: Route): string | undefined {
    const print = routeFingerprint(route);
    const known = this.judged.get(route.backend);
    if (known?.print === print) return known.reason;
    const reason = explainUnwritable(route);
    this.judged.set(route.backend, { print, reason });
    return reason;
  }

  private refusal(route: Route, why: string): Admission {
    const { appId, portIndex } = route;
    const before = this.served.get(route.backend);
    const instead = before === undefined ? 'it is left out' : 'it is served as it was before';
    return {
      route: before && { ...before, ...ofNow(route) },
      refusal: {
        kind: 'refused',
        appId,
        portIndex,
        reason: `HAProxy refuses it: ${why}; ${instead}`,
      },
    };
  }
}

/** What is no part of a form: instances, and whose they are. */
const ofNow = ({ endpoints, members }: Route): Pick<Route, 'endpoints' | 'members'> => ({
  endpoints,
  ...(members !== undefined && { members }),
});
