/** What the page of routes reads; all of it is Pacer's addition. */

export interface Routes {
  readonly routers: readonly RouterStanding[];
  readonly routes: readonly EdgeRoute[];
  /** With the filters, of which `routes` may be the first. */
  readonly total: number;
  readonly problems: readonly RouteProblem[];
  readonly omittedProblems?: number;
}

export interface RouterStanding {
  readonly id: string;
  readonly url?: string;
  readonly heardAt: string;
  readonly isRecent: boolean;
  readonly behindEvents: number;
  readonly behindSeconds?: number;
  readonly haproxy?: { readonly version?: string; readonly requestsPerSecond?: number };
}

export interface Traffic {
  readonly requestsPerSecond?: number;
  readonly sessions?: number;
  readonly responseMs?: number;
  readonly errors5xx?: number;
  readonly errorsConnect?: number;
  readonly requests?: number;
}

export interface EdgeRoute {
  readonly id: string;
  readonly appId: string;
  readonly portIndex: number;
  readonly leaving?: true;
  readonly groups: readonly string[];
  readonly mode: string;
  readonly vhosts: readonly string[];
  readonly paths: readonly string[];
  readonly listenPort?: number;
  readonly instances: readonly RouteInstance[];
  readonly outside: readonly {
    readonly taskId: string;
    readonly host: string;
    readonly why: string;
  }[];
  readonly traffic?: Traffic;
  readonly routers: Readonly<Record<string, Traffic>>;
}

export interface RouteInstance {
  readonly taskId: string;
  readonly address: string;
  readonly port: number;
  readonly state: string;
  readonly requestsPerSecond?: number;
  readonly sessions?: number;
  readonly responseMs?: number;
  readonly disagree?: readonly { readonly router: string; readonly state: string }[];
}

export interface RouteProblem {
  readonly kind: string;
  readonly appId?: string;
  readonly portIndex?: number;
  readonly router?: string;
  readonly message: string;
}

export interface Certificate {
  readonly name: string;
  readonly hosts: readonly string[];
  readonly issuer: string;
  readonly notAfter: string;
  readonly fingerprint: string;
}
