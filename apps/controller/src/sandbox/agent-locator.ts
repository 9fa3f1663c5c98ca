import { Injectable } from '@nestjs/common';
import { type AgentId, type TaskFailure, taskId } from '#core';
import { ApiError } from '#platform';
import { ControllerRuntime } from '../runtime/controller-runtime.js';

export interface TaskPlace {
  /** `http://host:port`, https where it speaks TLS. */
  readonly agentUrl: string;
  /** Ours, by which agents tell tasks of several frameworks with one id apart; undefined before we were registered. */
  readonly frameworkId: string | undefined;
}

/** The path of a sandbox as its agent knows it: of our own task, whoever else uses its id there. */
export const sandboxOf = (
  taskId: string,
  { frameworkId }: Pick<TaskPlace, 'frameworkId'>,
): string =>
  frameworkId === undefined
    ? `tasks/${taskId}`
    : `frameworks/${frameworkId}/executors/${taskId}/runs/latest`;

/** Finds the agent that holds the sandbox of a task, also of one that has ended not long ago. */
@Injectable()
export class AgentLocator {
  constructor(private readonly runtime: ControllerRuntime) {}

  /** Where a task is or was, and whose it is there; 404 when it is not known or was never placed. */
  placeOfTask(id: string): TaskPlace {
    const frameworkId = this.runtime.engine.view.frameworkId();
    return { agentUrl: this.urlOfTask(id), frameworkId };
  }

  private urlOfTask(id: string): string {
    const { view } = this.runtime.engine;
    const place = view.instanceOfTask(taskId(id))?.instance.placement ?? this.failureOf(id);
    const url =
      place?.agentUrl ?? this.urlOfAgent(place?.agentId) ?? view.agentUrlOfEnded(taskId(id));
    if (url === undefined) {
      throw new ApiError(
        404,
        `Task '${id}' does not exist, or the address of its agent is unknown`,
      );
    }
    return url;
  }

  /** A task that is gone may still be an app's last failure, whose logs are what one wants to see. O(apps). */
  private failureOf(id: string): TaskFailure | undefined {
    const { view } = this.runtime.engine;
    for (const appId of view.root().apps.keys()) {
      const failure = view.failureOf(appId);
      if (failure?.taskId === id) return failure;
    }
    return undefined;
  }

  /** By any instance placed there. O(instances). */
  private urlOfAgent(agentId: AgentId | undefined): string | undefined {
    if (agentId === undefined) return undefined;
    const { view } = this.runtime.engine;
    for (const appId of view.appsWithInstances()) {
      for (const { instance } of view.instancesOf(appId)) {
        if (instance.placement?.agentId === agentId && instance.placement.agentUrl !== undefined) {
          return instance.placement.agentUrl;
        }
      }
    }
    return undefined;
  }
}
