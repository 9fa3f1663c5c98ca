import { type App, type HealthCheck, isSameValue } from '#core';

/** What the controller can do in the place of an agent. */
export interface ControllerAbilities {
  /** Whether it can run a command inside a task. */
  readonly commands: boolean;
}

/** Ports a check refers to, as health checks and `check` write it. */
interface PortReference {
  readonly port?: number;
  readonly portIndex?: number;
}

const isRunByAgents = ({ protocol }: HealthCheck): boolean =>
  protocol === 'COMMAND' || protocol.startsWith('MESOS_');

/** The check that rides on the task: the first one an agent can run. */
export function agentCheckOf(
  app: Pick<App, 'healthChecks'>,
): { readonly index: number; readonly healthCheck: HealthCheck } | undefined {
  const index = app.healthChecks.findIndex(isRunByAgents);
  const healthCheck = app.healthChecks[index];
  return healthCheck === undefined ? undefined : { index, healthCheck };
}

/**
 * Whether every health check of `after` can be run on instances of `before`. What their agents run already goes on; any
 * other has to be reached by the controller.
 */
export function canTakeOverHealthChecks(
  before: App,
  after: App,
  abilities: ControllerAbilities,
): boolean {
  const onAgent = agentCheckOf(before)?.healthCheck;
  return after.healthChecks.every((check) => {
    if (!isRunByAgents(check) || isSameValue(check, onAgent)) return true;
    return check.protocol === 'COMMAND' ? abilities.commands : isReachable(after, check);
  });
}

/** Whether the controller can run the `check` of an app, so that running instances need not be replaced for it. */
export function canTakeOverCheck({ check, ...app }: App, abilities: ControllerAbilities): boolean {
  if (check === undefined) return true;
  const { http, tcp, exec } = check as {
    readonly http?: PortReference;
    readonly tcp?: PortReference;
    readonly exec?: { readonly command?: { readonly shell?: string } };
  };
  if (http !== undefined) return isReachable(app, http);
  if (tcp !== undefined) return isReachable(app, tcp);
  return abilities.commands && exec?.command?.shell !== undefined;
}

/** From another machine: on the host's network, or by a port of the container that has one of the host's. */
function isReachable(
  app: Pick<App, 'networks' | 'container'>,
  { port, portIndex }: PortReference,
): boolean {
  if ((app.networks[0]?.mode ?? 'host') === 'host') return true;
  if (port !== undefined) return false;
  return app.container?.portMappings?.[portIndex ?? 0]?.hostPort !== undefined;
}
