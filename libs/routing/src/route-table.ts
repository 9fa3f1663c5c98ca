import type { Balance } from './labels/balance.js';
import type { HttpLabels } from './labels/http-labels.js';
import type { PathPrefix, ServerLabels } from './labels/port-labels.js';
import type { TemplateOverrides } from './templates/template-labels.js';

/** One place requests can go to. `draining`: gets nothing new, finishes what it has. */
export interface Endpoint {
  /** HAProxy server name, from address and port, unique in its backend. */
  readonly name: string;
  /** IPv4 or IPv6, without brackets. */
  readonly address: string;
  readonly port: number;
  readonly taskId: string;
  readonly state: 'ready' | 'draining';
  /** Share of the traffic in its backend, 0..256; 1 where all are alike. */
  readonly weight: number;
  /** Where HAProxy checks it, when that is another port. */
  readonly checkPort?: number;
}

/** Where the edge listens for one route alone. */
export interface RouteListener {
  readonly port: number;
  /** Undefined: the edge's own addresses. */
  readonly address?: string;
  /** Further words of the bind line. */
  readonly options: readonly string[];
  /** Files, or names of uploaded certificates; none: no TLS. */
  readonly certificates: readonly string[];
}

/** How HAProxy itself looks whether an instance answers. Times in seconds. */
export interface RouteCheck {
  readonly protocol: 'HTTP' | 'HTTPS' | 'TCP';
  readonly path: string;
  readonly intervalSeconds: number;
  readonly timeoutSeconds: number;
  readonly gracePeriodSeconds: number;
  readonly maxConsecutiveFailures: number;
  /** Of which of the app's ports it is. */
  readonly portIndex: number;
  /** This port of the instance's host, whatever the app's ports are. */
  readonly port?: number;
}

/** One published port of one app, or of the apps of a deployment group. */
export interface Route {
  /** The app, or of a deployment group the one that has been there longest. */
  readonly appId: string;
  /** All apps of its deployment group that share it, by id; absent: there is only the one. */
  readonly members?: readonly string[];
  readonly portIndex: number;
  /** HAProxy backend (and frontend) name. */
  readonly backend: string;
  /** Undefined: reachable by host name only. */
  readonly listener?: RouteListener;
  readonly servicePort: number;
  readonly mode: 'http' | 'tcp';
  readonly balance: Balance;
  readonly sticky: boolean;
  readonly vhosts: readonly string[];
  /** Empty: the whole of its hosts. */
  readonly paths: readonly PathPrefix[];
  /** Orders rules of one host, larger first. */
  readonly weight: number;
  /** TLS is passed through, by the name in its hello. */
  readonly passthrough: boolean;
  readonly http: HttpLabels;
  readonly allowedNetworks: readonly string[];
  readonly check?: RouteCheck;
  readonly server: ServerLabels;
  readonly templates: TemplateOverrides;
  readonly endpoints: readonly Endpoint[];
}

/**
 * What an app asked for and did not get; the others are not affected. `conflict`: another app has it. `label`: a value that
 * cannot be used, of a label or of another field. `unsupported`: HAProxy cannot do it. `refused`: HAProxy did not take it.
 */
export interface RouteConflict {
  readonly kind: 'conflict' | 'label' | 'unsupported' | 'refused';
  readonly appId: string;
  readonly portIndex: number;
  readonly reason: string;
}

/** What the edge should serve. Sorted by app id and port index, so equal inputs give equal tables. */
export interface RouteTable {
  readonly routes: readonly Route[];
  readonly conflicts: readonly RouteConflict[];
}

/** The apps a route leads to. */
export const appsOfRoute = ({
  appId,
  members,
}: Pick<Route, 'appId' | 'members'>): readonly string[] => members ?? [appId];
