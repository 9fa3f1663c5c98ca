import type { App } from '#core';

/** A label longer than this is not passed to the task. Marathon's limits, characters. */
const MAX_LABEL_NAME = 493;
const MAX_LABEL_VALUE = 512;
const PREFIX = 'MARATHON_APP_LABEL_';

/** One port of a task as its environment names it. */
export interface TaskPort {
  /** What the task should listen on: its host port, or the container port where none is mapped. */
  readonly port: number;
  /** The port asked for in the definition (0: any). */
  readonly requested: number;
  readonly name?: string;
}

/**
 * The environment of a task, in Marathon's order (later wins): what it is, its ports and host, then the app's own
 * variables. A secret reference has no value here and is left out.
 */
export function taskEnvironment(about: {
  readonly app: App;
  readonly taskId: string;
  readonly host: string;
  readonly ports: readonly TaskPort[];
  readonly isRoleEnforced: boolean;
}): Readonly<Record<string, string>> {
  const { app } = about;
  const own = Object.entries(app.env).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  return {
    ...contextVariables(about),
    ...labelVariables(app.labels),
    HOST: about.host,
    ...portVariables(about.ports),
    ...Object.fromEntries(own),
  };
}

function contextVariables(about: {
  readonly app: App;
  readonly taskId: string;
  readonly isRoleEnforced: boolean;
}): Record<string, string> {
  const { app } = about;
  const image = app.container?.docker?.image;
  return {
    MESOS_TASK_ID: about.taskId,
    MARATHON_APP_ID: app.id,
    MARATHON_APP_VERSION: app.version,
    ...(image === undefined ? {} : { MARATHON_APP_DOCKER_IMAGE: image }),
    MARATHON_APP_RESOURCE_CPUS: asDouble(app.cpus),
    MARATHON_APP_RESOURCE_MEM: asDouble(app.mem),
    MARATHON_APP_RESOURCE_DISK: asDouble(app.disk),
    MARATHON_APP_RESOURCE_GPUS: String(app.gpus),
    MARATHON_APP_ENFORCE_GROUP_ROLE: about.isRoleEnforced ? 'TRUE' : 'FALSE',
  };
}

/** `1` reads `1.0`, as the JVM writes a double. */
export const asDouble = (amount: number): string =>
  Number.isInteger(amount) ? `${amount}.0` : String(amount);

/** Labels as variables, and their names. */
export function labelVariables(labels: App['labels']): Record<string, string> {
  const variables: Record<string, string> = {};
  const names: string[] = [];
  for (const [label, value] of Object.entries(labels)) {
    if (label.length >= MAX_LABEL_NAME || value.length >= MAX_LABEL_VALUE) continue;
    const name = toVariableName(label);
    names.push(name);
    variables[`${PREFIX}${name}`] = value;
  }
  return { MARATHON_APP_LABELS: names.join(' '), ...variables };
}

/** Upper case, every run of other characters one underscore. */
export const toVariableName = (text: string): string =>
  text.replaceAll(/[^A-Za-z0-9_]+/g, '_').toUpperCase();

function portVariables(ports: readonly TaskPort[]): Record<string, string> {
  const variables: Record<string, string> = {};
  const [first] = ports;
  if (first === undefined) return variables;
  for (const [index, { port, requested, name }] of ports.entries()) {
    variables[`PORT${index}`] = String(port);
    variables[`PORT_${requested === 0 ? port : requested}`] = String(port);
    if (name === undefined) continue;
    // Marathon leaves hyphens as they are; no shell can read that.
    variables[`PORT_${name.toUpperCase()}`] = String(port);
    variables[`PORT_${toVariableName(name)}`] = String(port);
  }
  variables['PORT'] = String(first.port);
  variables['PORTS'] = ports.map(({ port }) => port).join(',');
  return variables;
}
