import { Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { AppId, InstanceId } from '#core';
import type { LimitOverride } from '#deployment';
import {
  type ChangeContext,
  type Declaration,
  type MarathonEvent,
  type Outcome,
  toIsoTime,
} from '#marathon-v2';
import { ApiError } from '#platform';
import type { RootChangeOutcome } from '../engine/controller-engine.port.js';
import { acceptedOrThrow, sendWarnings } from '../http/outcome.js';
import { ControllerRuntime } from '../runtime/controller-runtime.js';

/** Decides a change; called with the current root, and again inside the queue with the root of that moment. */
export type ChangePlan = (context: ChangeContext) => Outcome<Declaration>;

export interface ChangeOptions {
  readonly force: boolean;
  readonly restart?: readonly AppId[];
  readonly sentenced?: readonly InstanceId[];
  readonly reason?: string;
  /** For its deployment alone. */
  readonly limits?: LimitOverride;
  /** Events about the request, made from what it put. */
  readonly eventsOf?: (declared: Declaration) => readonly MarathonEvent[];
}

/** What a successful change answers. */
export interface ChangeResult {
  readonly version: string;
  readonly deploymentId: string;
}

export interface CarriedOutChange extends ChangeResult {
  readonly declared: Declaration;
  readonly warnings: readonly string[];
}

/** Takes changes of the declared state from HTTP to the engine and its verdict back to HTTP. */
@Injectable()
export class RootWriter {
  constructor(private readonly runtime: ControllerRuntime) {}

  /**
   * Plans against the current root first, so that what is refused never takes a place in the engine's queue. Throws
   * {@link ApiError} for refusals, 409 when locked, 403 at the limit of deployments.
   */
  async change(plan: ChangePlan, options: ChangeOptions): Promise<CarriedOutChange> {
    const { engine } = this.runtime;
    const { declared: preview } = this.plan(plan);
    let final: { readonly declared: Declaration; readonly warnings: readonly string[] } | undefined;
    const { eventsOf, ...rest } = options;
    const outcome = await engine.changeRoot({
      ...rest,
      apply: (root, version) => {
        const planned = plan({ root, version, rules: this.runtime.settings.rules });
        const declared = acceptedOrThrow(planned);
        final = { declared, warnings: planned.ok ? planned.warnings : [] };
        return declared;
      },
      /** Read by the engine after `apply`. */
      get events(): readonly MarathonEvent[] {
        return eventsOf?.(final?.declared ?? preview) ?? [];
      },
    });
    const result = resultOrThrow(outcome);
    return { ...result, ...(final ?? { declared: preview, warnings: [] }) };
  }

  /** Plans without changing anything: for dry runs. */
  plan(plan: ChangePlan): { readonly declared: Declaration; readonly warnings: readonly string[] } {
    const { engine, settings } = this.runtime;
    const version = toIsoTime(this.runtime.nowEpochMs());
    const outcome = plan({ root: engine.view.root(), version, rules: settings.rules });
    const declared = acceptedOrThrow(outcome);
    return { declared, warnings: outcome.ok ? outcome.warnings : [] };
  }
}

/** Seconds after which a slot among the deployments may be free. */
const DEPLOYMENT_RETRY_SECONDS = '5';

/** The version and the deployment, or the error that says why not. */
export function resultOrThrow(outcome: RootChangeOutcome): ChangeResult {
  switch (outcome.kind) {
    case 'accepted':
      return { version: outcome.version, deploymentId: outcome.deploymentId };
    case 'locked':
      throw new ApiError(
        409,
        "App is locked by one or more deployments. Override with the option '?force=true'. View details at '/v2/deployments/<DEPLOYMENT_ID>'.",
        { extra: { deployments: outcome.deployments.map((id) => ({ id })) } },
      );
    case 'too-many-deployments':
      throw new ApiError(
        403,
        `Max number (${outcome.limit}) of running deployments is achieved. Wait for existing deployments to complete or cancel one.`,
        { headers: { 'retry-after': DEPLOYMENT_RETRY_SECONDS } },
      );
    case 'impossible':
      throw new ApiError(409, outcome.reason);
    default:
      return outcome satisfies never;
  }
}

/** Names the deployment and the warnings of a change in headers; gives the body of the usual answer. */
export function describeChange(
  reply: FastifyReply,
  change: ChangeResult & { readonly warnings?: readonly string[] },
): ChangeResult {
  reply.header('marathon-deployment-id', change.deploymentId);
  sendWarnings(reply, change.warnings ?? []);
  return { version: change.version, deploymentId: change.deploymentId };
}
