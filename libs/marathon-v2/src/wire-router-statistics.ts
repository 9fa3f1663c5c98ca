/**
 * What a router tells of its HAProxy, ours. Everything but `version` may be missing. Rates are of the last few seconds,
 * times are averages of the last requests, counts are since HAProxy started.
 */
export interface WireRouterStatistics {
  readonly version: 1;
  readonly haproxy?: WireHaproxyStatistics;
  readonly reloads?: number;
  readonly runtimeChanges?: number;
  readonly driftRepairs?: number;
  readonly problems?: readonly WireRouterProblem[];
  /** Ports of apps that are not served here, each with the reason. */
  readonly leftOut?: readonly WireUnservedPort[];
  /** Labels that this router does not carry out. */
  readonly unsupported?: readonly WireUnservedPort[];
  readonly frontends?: readonly WireFrontendStatistics[];
  /** By the name of the backend. */
  readonly backends?: Readonly<Record<string, WireBackendStatistics>>;
}

export interface WireHaproxyStatistics {
  readonly version?: string;
  readonly pid?: number;
  readonly uptimeSeconds?: number;
  readonly workers?: number;
  readonly oldWorkers?: number;
  readonly memoryMib?: number;
  readonly connections?: number;
  readonly requestsPerSecond?: number;
}

export interface WireRouterProblem {
  readonly cause?: string;
  readonly message?: string;
  readonly appId?: string;
}

export interface WireUnservedPort {
  readonly appId?: string;
  readonly portIndex?: number;
  readonly reason?: string;
}

export interface WireFrontendStatistics {
  readonly name?: string;
  readonly requestsPerSecond?: number;
  readonly sessions?: number;
  readonly bytesIn?: number;
  readonly bytesOut?: number;
  readonly errors?: number;
}

/** What can be summed over routers, of a backend. */
export interface WireTraffic {
  readonly requestsPerSecond?: number;
  readonly sessions?: number;
  readonly queued?: number;
  readonly responseMs?: number;
  readonly connectMs?: number;
  readonly errors5xx?: number;
  readonly errorsConnect?: number;
  readonly retries?: number;
  readonly redispatches?: number;
  readonly requests?: number;
}

export interface WireBackendStatistics extends WireTraffic {
  readonly appId?: string;
  readonly portIndex?: number;
  readonly up?: number;
  readonly down?: number;
  readonly draining?: number;
  /** By the name of the server. */
  readonly servers?: Readonly<Record<string, WireServerStatistics>>;
}

export type WireServerState = 'up' | 'down' | 'draining' | 'maint' | 'starting';

export interface WireServerStatistics {
  readonly taskId?: string;
  readonly state?: WireServerState;
  readonly sessions?: number;
  readonly requestsPerSecond?: number;
  readonly responseMs?: number;
  readonly weight?: number;
  /** What the last check of HAProxy's own saw. */
  readonly check?: string;
}
