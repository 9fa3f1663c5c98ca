import type { CommandInfo, TaskInfo, TaskStatus } from '#mesos-v1';
import type { Placement, Requirements } from './pack-offers.js';

/** A task as its framework wants it. */
export interface RunnerTask extends Requirements {
  /** Unique among the framework's waiting and running tasks; no slash or control character, at most 200 characters. */
  readonly name: string;
  /** For `/bin/sh -c`. */
  readonly command: string;
  /**
   * Beside PORT, PORT0, PORT1, … A function is asked once the place of the task, and of all of its gang in the order
   * submitted, is known.
   */
  readonly environment?:
    | Readonly<Record<string, string>>
    | ((place: Place, gang: readonly Place[]) => Readonly<Record<string, string>>);
  /** Further fields of the TaskInfo: container, health_check, kill_policy, labels, uris by `command`, … */
  readonly info?: Partial<Omit<TaskInfo, 'name' | 'task_id' | 'agent_id' | 'resources'>>;
}

/** One launch of a task: where it is, under which id. */
export interface Place {
  readonly name: string;
  /** `<name>.<unique>`: another for each launch. */
  readonly taskId: string;
  readonly agentId: string;
  readonly hostname: string;
  readonly ports: readonly number[];
  /** Where the agent's own API listens, for the task's files. */
  readonly agentUrl?: string;
}

/** A status of one of the runner's tasks. */
export interface TaskReport {
  readonly place: Place;
  readonly status: TaskStatus;
  /** This launch is over: it will not be heard of again. */
  readonly isEnded: boolean;
}

const MAX_NAME_LENGTH = 200;
const UNSAFE_NAME = /[/\\\p{Cc}]/u;

/** Throws TypeError for what no agent could run. */
export function checkRunnerTask({ name, cpus, memMib, ports = 0, command }: RunnerTask): void {
  if (name === '' || name.length > MAX_NAME_LENGTH || UNSAFE_NAME.test(name)) {
    throw new TypeError(
      `task name ${JSON.stringify(name)} is not 1 to ${MAX_NAME_LENGTH} characters without slashes and control characters`,
    );
  }
  if (command === '') throw new TypeError(`task ${name}: command is empty`);
  for (const [field, value] of Object.entries({ cpus, memMib, ports })) {
    if (!Number.isFinite(value) || value < 0) {
      throw new TypeError(`task ${name}: ${field} ${value} is below 0 or no number`);
    }
  }
  if (cpus === 0 && memMib === 0)
    throw new TypeError(`task ${name} asks for no cpus and no memory`);
}

/** `unique` makes the task id. */
export function toPlace(
  { task, agentId, hostname, ports, offer }: Placement<RunnerTask>,
  unique: string,
): Place {
  const { url } = offer;
  // Certificates are made for names rather than addresses.
  const isName = !/^[\d.]+$|:/.test(url?.address.hostname ?? hostname);
  const ip = url?.scheme === 'https' && isName ? undefined : url?.address.ip;
  const host = ip ?? url?.address.hostname ?? hostname;
  return {
    name: task.name,
    taskId: `${task.name}.${unique}`,
    agentId,
    hostname,
    ports,
    ...(url === undefined ? {} : { agentUrl: `${url.scheme}://${host}:${url.address.port}` }),
  };
}

/** What is sent to launch a task at its place. */
export function toTaskInfo(
  { task, resources }: Placement<RunnerTask>,
  place: Place,
  gang: readonly Place[],
): TaskInfo {
  const { environment = {}, info = {} } = task;
  const given = typeof environment === 'function' ? environment(place, gang) : environment;
  const variables = Object.entries({ ...portVariables(place.ports), ...given });
  const command: CommandInfo = {
    ...info.command,
    shell: true,
    value: task.command,
    environment: { variables: variables.map(([name, value]) => ({ name, value })) },
  };
  return {
    ...info,
    name: task.name,
    task_id: { value: place.taskId },
    agent_id: { value: place.agentId },
    resources,
    command,
  };
}

const portVariables = (ports: readonly number[]): Readonly<Record<string, string>> => ({
  ...(ports.length === 0 ? {} : { PORT: String(ports[0]) }),
  ...Object.fromEntries(ports.map((port, index) => [`PORT${index}`, String(port)])),
});
