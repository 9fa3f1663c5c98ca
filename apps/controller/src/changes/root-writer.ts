import { Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { AppId, InstanceId } from '#core';
import { type LimitOverride, stampApp } from '#deployment';
import {
  type ChangeContext,
  changedGroup,
  type Declaration,
  type MarathonEvent,
  type Outcome,
  toEventPayload,
  toIsoTime,
  type WireAppRestart,
  type WireChangePreview,
} from '#marathon-v2';
import { ApiError } from '#platform';
import type { ChangePreview } from '../engine/change-preview.port.js';
import type { RootChange, RootChangeOutcome } from '../engine/controller-engine.port.js';
import { EventHub } from '../events/event-hub.js';
import { acceptedOrThrow, sendWarnings } from '../http/outcome.js';
import { ControllerRuntime } from '../runtime/controller-runtime.js';
import type { AskedBy } from './asked-by.js';
import { describePreview } from './describe-preview.js';

/** Decides a change; called with the current root, and again inside the queue with the root of that moment. */
export type ChangePlan = (context: ChangeContext) => Outcome<Declaration>;

export interface ChangeOptions extends AskedBy {
  readonly force: boolean;
  /** Says what would happen, and does nothing. */
  readonly dryRun?: boolean;
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
  /** Ours: which instances it replaces. */
  readonly restarts: readonly WireAppRestart[];
}

export interface CarriedOutChange extends ChangeResult {
  readonly declared: Declaration;
  readonly warnings: readonly string[];
  /** Of a dry run: nothing was carried out, and this is the answer. */
  readonly preview?: ChangePreview;
}

/** Takes changes of the declared state from HTTP to the engine and its verdict back to HTTP. */
@Injectable()
export class RootWriter {
  constructor(
    private readonly runtime: ControllerRuntime,
    private readonly events: EventHub,
  ) {}

  /**
   * Plans against the current root first, so that what is refused never takes a place in the engine's queue. Throws
   * {@link ApiError} for refusals, 409 when locked, 403 at the limit of deployments.
   */
  async change(plan: ChangePlan, options: ChangeOptions): Promise<CarriedOutChange> {
    const { engine } = this.runtime;
    if (options.dryRun === true) return this.preview(plan, options);
    const { declared: preview } = this.plan(plan);
    const restart = new Set(options.restart ?? []);
    let final: { readonly declared: Declaration; readonly warnings: readonly string[] } | undefined;
    const { eventsOf, dryRun: _dryRun, ...rest } = options;
    const result = await this.carryOut(preview, {
      ...rest,
      apply: (root, version) => {
        const planned = plan({ root, version, rules: this.runtime.settings.rules });
        const declared = acceptedOrThrow(planned);
        // As it will be stored: an edit in place keeps the time of the last configuration change.
        const putApps = declared.putApps.map((app) => {
          const stamp = { restart: restart.has(app.id), abilities: engine.abilities };
          return stampApp(root.apps.get(app.id), app, version, stamp);
        });
        final = {
          declared: { ...declared, putApps },
          warnings: planned.ok ? planned.warnings : [],
        };
        return declared;
      },
      /** Read by the engine after `apply`. */
      get events(): readonly MarathonEvent[] {
        return eventsOf?.(final?.declared ?? preview) ?? [];
      },
    });
    return { ...result, ...(final ?? { declared: preview, warnings: [] }) };
  }

  /** Carries a change out. One that was in order and failed all the same is told to readers of the events; it is not stored. */
  private async carryOut(declared: Declaration, change: RootChange): Promise<ChangeResult> {
    try {
      return resultOrThrow(await this.runtime.engine.changeRoot(change));
    } catch (error) {
      const eventType = 'group_change_failed';
      const nowEpochMs = this.runtime.nowEpochMs();
      const about = {
        groupId: changedGroup(declared),
        version: toIsoTime(nowEpochMs),
        reason: error instanceof Error ? error.message : String(error),
      };
      this.events.announce(eventType, toEventPayload({ eventType, ...about }, nowEpochMs));
      throw error;
    }
  }

  /** The answer of a dry run; its version and deployment do not exist. */
  private preview(plan: ChangePlan, options: ChangeOptions): CarriedOutChange {
    const { eventsOf: _eventsOf, dryRun: _dryRun, ...rest } = options;
    const planned = this.plan(plan);
    const preview = this.runtime.engine.previews.ofChange({
      ...rest,
      apply: (root, version) =>
        acceptedOrThrow(plan({ root, version, rules: this.runtime.settings.rules })),
    });
    return { ...NOTHING_DONE, ...planned, preview };
  }

  /** Plans without changing anything. */
  private plan(plan: ChangePlan): {
    readonly declared: Declaration;
    readonly warnings: readonly string[];
  } {
    const { engine, settings } = this.runtime;
    const version = toIsoTime(this.runtime.nowEpochMs());
    const outcome = plan({ root: engine.view.root(), version, rules: settings.rules });
    const declared = acceptedOrThrow(outcome);
    return { declared, warnings: outcome.ok ? outcome.warnings : [] };
  }
}

const NOTHING_DONE: ChangeResult = { version: '', deploymentId: '', restarts: [] };

/** Seconds after which a slot among the deployments may be free. */
const DEPLOYMENT_RETRY_SECONDS = '5';

/** The version and the deployment, or the error that says why not. */
export function resultOrThrow(outcome: RootChangeOutcome): ChangeResult {
  switch (outcome.kind) {
    case 'accepted':
      return {
        version: outcome.version,
        deploymentId: outcome.deploymentId,
        restarts: outcome.restarts,
      };
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

/** Names the deployment and the warnings of a change in headers; gives the body of the usual answer, or of a dry run. */
export function describeChange(
  reply: FastifyReply,
  change: ChangeResult & Partial<Pick<CarriedOutChange, 'warnings' | 'preview'>>,
): ChangeResult | WireChangePreview {
  const { version, deploymentId, restarts, warnings = [], preview } = change;
  sendWarnings(reply, warnings);
  if (preview !== undefined) {
    reply.code(200);
    return describePreview(preview, warnings);
  }
  reply.header('marathon-deployment-id', deploymentId);
  return { version, deploymentId, restarts };
}
