import type {
  WireBackendStatistics,
  WireHaproxyStatistics,
  WireServerState,
  WireServerStatistics,
  WireTraffic,
} from './wire-router-statistics.js';

/** GET /v2/routes, ours: what the edge serves, as declared and as the routers report it. */
export interface WireRoutes {
  /** The last event this answer contains. */
  readonly sequence: number;
  readonly routers: readonly WireRouterStanding[];
  readonly routes: readonly WireRoute[];
  /** How many there are with these filters, of which `routes` may be a page. */
  readonly total: number;
  readonly problems: readonly WireRouteProblem[];
  /** Beyond those listed. */
  readonly omittedProblems?: number;
}

/** How far a router is. */
export interface WireRouterStanding {
  readonly id: string;
  readonly url?: string;
  readonly heardAt: string;
  /** False: silent for more than 5 s. Nothing waits for it, and its figures are in no sum. */
  readonly isRecent: boolean;
  readonly appliedSequence: number;
  /** Events it has not applied yet, and for how long the oldest of them has been waiting as far as is known. */
  readonly behindEvents: number;
  readonly behindSeconds?: number;
  readonly haproxy?: WireHaproxyStatistics;
}

/** One port of an app at the edge. */
export interface WireRoute {
  /** `<app>:<port index>`. */
  readonly id: string;
  readonly appId: string;
  readonly portIndex: number;
  /** The app is declared no more; what is left of it is drained. */
  readonly leaving?: true;
  /** Empty: only routers that take every app. */
  readonly groups: readonly string[];
  readonly mode: 'http' | 'tcp';
  readonly vhosts: readonly string[];
  readonly paths: readonly string[];
  readonly listenPort?: number;
  /** Name of the backend in HAProxy. */
  readonly backend: string;
  readonly instances: readonly WireRouteInstance[];
  /** Instances that get no request, and why. */
  readonly outside: readonly {
    readonly taskId: string;
    readonly host: string;
    readonly why: string;
  }[];
  /** Summed over the recent routers; times are averages weighted by requests. */
  readonly traffic?: WireTraffic;
  /** Those that serve it, by id. */
  readonly routers: Readonly<Record<string, Omit<WireBackendStatistics, 'servers'>>>;
}

export interface WireRouteInstance {
  readonly taskId: string;
  readonly address: string;
  readonly port: number;
  /** As the controller sees it. */
  readonly state: 'ready' | 'draining';
  readonly requestsPerSecond?: number;
  readonly sessions?: number;
  readonly responseMs?: number;
  /** As each router's HAProxy sees it. */
  readonly routers: Readonly<Record<string, WireServerStatistics>>;
  /** Routers that say otherwise than the controller. */
  readonly disagree?: readonly { readonly router: string; readonly state: WireServerState }[];
}

/** Something an app asked for and does not get, or a trouble of a router. */
export interface WireRouteProblem {
  /**
   * `conflict`: another app has it. `label`: it cannot be used. `left-out`, `unsupported`: so says a router.
   * `router`: a trouble of its own. `behind`: it lacks events for long, or is silent.
   */
  readonly kind: 'conflict' | 'label' | 'left-out' | 'unsupported' | 'router' | 'behind';
  readonly appId?: string;
  readonly portIndex?: number;
  readonly router?: string;
  readonly message: string;
}
