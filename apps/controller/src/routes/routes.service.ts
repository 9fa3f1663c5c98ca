import { Injectable } from '@nestjs/common';
import type { RootGroup } from '#core';
import {
  toIsoTime,
  type WireRoute,
  type WireRouteProblem,
  type WireRouterStanding,
} from '#marathon-v2';
import { type Route, RouteClaimIndex, type RouteClash } from '#routing';
import type { RouterView } from '../engine/controller-engine.port.js';
import { ControllerRuntime } from '../runtime/controller-runtime.js';
import { AppRoutesCache } from './app-routes.js';
import { findProblems } from './route-problems.js';
import { indexRouters, routeIdOf, toWireRoute } from './to-wire-route.js';

/** Which routes are asked for. */
export interface RouteFilter {
  /** An app, or a group: those below it. */
  readonly app?: string;
  /** One host, in lower case. */
  readonly vhost?: string;
  /** Part of an app's id or of a host, or a port, in lower case. */
  readonly search?: string;
}

/** Routes that are still to be written; each is when it is taken. */
export interface FoundRoutes {
  readonly ids: readonly string[];
  readonly write: (ids: readonly string[]) => readonly WireRoute[];
  readonly problems: readonly WireRouteProblem[];
}

/** What the edge serves, brought together from the apps and from what routers report. */
@Injectable()
export class RoutesService {
  private readonly cache = new AppRoutesCache();
  private readonly claims = new RouteClaimIndex();
  private clashes:
    | { readonly apps: RootGroup['apps']; readonly found: readonly RouteClash[] }
    | undefined;

  constructor(private readonly runtime: ControllerRuntime) {}

  /** The routes that pass, in order of their ids, and everything that stands against them. */
  find({ app, vhost, search }: RouteFilter): FoundRoutes {
    const { view } = this.runtime.engine;
    const routers = view.routers();
    const apps = this.cache.all(view).filter(({ app: { id } }) => isWithin(id, app));
    const indexed = indexRouters(routers);
    const byId = new Map(
      apps.flatMap((of) =>
        of.routes
          .filter((route) => vhost === undefined || route.vhosts.includes(vhost))
          .filter((route) => search === undefined || isFoundBy(route, search))
          .map((route) => [routeIdOf(route.appId, route.portIndex), { route, of }] as const),
      ),
    );
    const problems = findProblems({
      apps,
      clashes: this.findClashes(),
      routers,
      standings: this.standings(),
    }).filter(({ appId }) => appId === undefined || isWithin(appId, app));
    const names = new Set([...byId.values()].map(({ route }) => route.appId));
    return {
      ids: [...byId.keys()].sort(),
      write: (ids) =>
        ids.flatMap((id) => {
          const found = byId.get(id);
          return found === undefined
            ? []
            : [toWireRoute(found.route, { of: found.of, routers: indexed })];
        }),
      problems:
        vhost === undefined && search === undefined
          ? problems
          : problems.filter(({ appId }) => appId === undefined || names.has(appId)),
    };
  }

  standings(): readonly WireRouterStanding[] {
    const nowEpochMs = this.runtime.nowEpochMs();
    return this.runtime.engine.view.routers().map((router) => toStanding(router, nowEpochMs));
  }

  /** Of the apps as they are declared, found once per version. */
  private findClashes(): readonly RouteClash[] {
    const { apps } = this.runtime.engine.view.root();
    if (this.clashes?.apps === apps) return this.clashes.found;
    this.claims.follow(apps);
    const { reservedPorts = new Set<number>() } = this.runtime.settings.rules;
    const found = this.claims.everyClash(reservedPorts);
    this.clashes = { apps, found };
    return found;
  }
}

const isFoundBy = ({ appId, vhosts, listener }: Route, search: string): boolean =>
  appId.includes(search) ||
  vhosts.some((host) => host.includes(search)) ||
  String(listener?.port) === search;

const isWithin = (id: string, app: string | undefined): boolean =>
  app === undefined || id === app || id.startsWith(app === '/' ? '/' : `${app}/`);

function toStanding(router: RouterView, nowEpochMs: number): WireRouterStanding {
  const { id, heardEpochMs, isRecent, behindEvents, behindSinceEpochMs, report } = router;
  const haproxy = report.statistics?.haproxy;
  return {
    id,
    ...(report.url === undefined ? {} : { url: report.url }),
    heardAt: toIsoTime(heardEpochMs),
    isRecent,
    appliedSequence: report.appliedSequence,
    behindEvents,
    ...(behindSinceEpochMs === undefined
      ? {}
      : { behindSeconds: Math.max(0, Math.round((nowEpochMs - behindSinceEpochMs) / 1000)) }),
    ...(haproxy === undefined ? {} : { haproxy }),
  };
}
