import type { WireRouteProblem, WireRouterStanding } from '#marathon-v2';
import { describeClash, type RouteClash } from '#routing';
import type { RouterView } from '../engine/controller-engine.port.js';
import type { AppRoutes } from './app-routes.js';

/** A router that lacks events for longer is named, seconds. */
const LONG_BEHIND_SECONDS = 10;

/** Everything that is not served as it was asked for, and why: what the controller sees, then what each router says. */
export function findProblems(about: {
  readonly apps: readonly AppRoutes[];
  readonly clashes: readonly RouteClash[];
  readonly routers: readonly RouterView[];
  readonly standings: readonly WireRouterStanding[];
}): readonly WireRouteProblem[] {
  const labels = about.apps.flatMap(({ problems }) =>
    problems.map(
      ({ kind, appId, portIndex, reason }): WireRouteProblem => ({
        kind: kind === 'unsupported' ? kind : 'label',
        appId,
        portIndex,
        message: reason,
      }),
    ),
  );
  const conflicts = about.clashes.map(
    (clash): WireRouteProblem => ({
      kind: 'conflict',
      appId: clash.appId,
      message: describeClash(clash),
    }),
  );
  return [
    ...conflicts,
    ...labels,
    ...about.standings.flatMap(judgeStanding),
    ...about.routers.flatMap((router) => (router.isRecent ? reportedBy(router) : [])),
  ];
}

function judgeStanding({
  id,
  isRecent,
  behindEvents,
  behindSeconds = 0,
}: WireRouterStanding): readonly WireRouteProblem[] {
  if (!isRecent) {
    const message = `router ${id} is silent: what it serves may be out of date`;
    return [{ kind: 'behind', router: id, message }];
  }
  if (behindEvents === 0 || behindSeconds < LONG_BEHIND_SECONDS) return [];
  const message = `router ${id} has not applied ${behindEvents} events, the oldest for ${behindSeconds} s`;
  return [{ kind: 'behind', router: id, message }];
}

function reportedBy({ id, report }: RouterView): readonly WireRouteProblem[] {
  const { problems = [], leftOut = [], unsupported = [] } = report.statistics ?? {};
  const ofPorts = (
    kind: 'left-out' | 'unsupported',
    ports: typeof leftOut,
  ): readonly WireRouteProblem[] =>
    ports.map(({ appId, portIndex, reason }) => ({
      kind,
      router: id,
      ...(appId === undefined ? {} : { appId }),
      ...(portIndex === undefined ? {} : { portIndex }),
      message: reason ?? 'no reason is given',
    }));
  return [
    ...problems.map(
      ({ cause, message, appId }): WireRouteProblem => ({
        kind: 'router',
        router: id,
        ...(appId === undefined ? {} : { appId }),
        message: [cause, message].filter((part) => part !== undefined).join(': '),
      }),
    ),
    ...ofPorts('left-out', leftOut),
    ...ofPorts('unsupported', unsupported),
  ];
}
