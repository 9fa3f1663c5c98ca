import { type Resources, resources } from '#core';
import {
  type AgentExecutor,
  type AgentInfo,
  type AgentTask,
  type FrameworkInfo,
  type StreamPosition,
  type TaskInfo,
  toWireResources,
  type WireResource,
} from '#mesos-v1';
import type { AgentSubscription } from './master-events.js';

/** What a test says of an agent that subscribes. */
export interface GivenAgent {
  readonly id?: string;
  readonly total?: Resources;
  readonly tasks?: readonly AgentTask[];
  readonly frameworks?: readonly FrameworkInfo[];
  readonly lastApplied?: StreamPosition;
  readonly highestEpoch?: number;
  /** Instead of `total`, as on the wire. */
  readonly resources?: readonly WireResource[];
  readonly capabilities?: readonly string[];
  readonly attributes?: AgentInfo['attributes'];
  readonly domain?: NonNullable<AgentInfo['domain']>;
  readonly checkpointed?: readonly WireResource[];
  readonly executors?: readonly AgentExecutor[];
}

/** 4 cpus, 1024 MiB and ten ports unless said otherwise. */
export const agentSubscription = (options: GivenAgent): AgentSubscription => ({
  agent_info: {
    ...(options.id === undefined ? {} : { id: { value: options.id } }),
    hostname: 'host',
    port: 5051,
    resources:
      options.resources ??
      toWireResources(
        options.total ?? resources({ cpus: 4, mem: 1024, ports: [{ begin: 31_000, end: 31_009 }] }),
      ),
    attributes: options.attributes ?? [],
    ...(options.domain === undefined ? {} : { domain: options.domain }),
    ...(options.capabilities === undefined
      ? {}
      : { capabilities: options.capabilities.map((type) => ({ type })) }),
  },
  version: '0.1.0',
  highest_epoch: options.highestEpoch ?? 0,
  tasks: options.tasks ?? [],
  frameworks: options.frameworks ?? [],
  ...(options.checkpointed === undefined ? {} : { checkpointed_resources: options.checkpointed }),
  ...(options.executors === undefined ? {} : { executors: options.executors }),
  ...(options.lastApplied === undefined ? {} : { last_applied: options.lastApplied }),
});

/** A command task of 1 cpu and 128 MiB unless said otherwise. */
export function commandTask(
  id: string,
  agent: string,
  use: Partial<Parameters<typeof resources>[0]> = {},
): TaskInfo {
  return {
    name: id,
    task_id: { value: id },
    agent_id: { value: agent },
    resources: toWireResources(resources({ cpus: 1, mem: 128, ...use })),
    command: { value: 'sleep 1000' },
  };
}
