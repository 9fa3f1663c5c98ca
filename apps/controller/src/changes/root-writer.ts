import { Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { present, type RootGroup } from '#core';
import {
  type ChangeContext,
  changedGroup,
  type Declaration,
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
import { describePreview } from './describe-preview.js';
import { RouteClashes } from './route-clashes.js';

/** Decides a change of the root it is given. Pure. */
export type ChangePlan = (context: ChangeContext) => Outcome<Declaration>;

export interface ChangeOptions extends Omit<RootChange, 'apply'> {
  /** Says what would happen, and does nothing. */
  readonly dryRun?: boolean;
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
  private readonly clashes: RouteClashes;

  constructor(
    private readonly runtime: ControllerRuntime,
    private readonly events: EventHub,
  ) {
    this.clashes = new RouteClashes(runtime.settings.rules.reservedPorts ?? new Set());
  }

  /**
   * Plans inside the engine's queue, with the root of that moment. Throws {@link ApiError} for refusals, 409 when locked,
   * 403 at the limit of deployments.
   */
  async change(plan: ChangePlan, options: ChangeOptions): Promise<CarriedOutChange> {
    if (options.dryRun === true) return this.preview(plan, options);
    const { dryRun: _dryRun, ...rest } = options;
    let planned: Planned | undefined;
    let isRefused = false;
    const apply = (root: RootGroup, version: string): Declaration => {
      isRefused = true;
      planned = this.plan(plan, root, version);
      isRefused = false;
      return planned.declared;
    };
    try {
      const done = resultOrThrow(await this.runtime.engine.changeRoot({ ...rest, apply }));
      const { declared, warnings } = present(planned, 'a change was carried out without a plan');
      const { version, deploymentId, restarts, putApps } = done;
      return { version, deploymentId, restarts, warnings, declared: { ...declared, putApps } };
    } catch (error) {
      if (!isRefused) this.announceFailure(planned ?? this.planNow(plan), error);
      throw error;
    }
  }

  /** A change that was in order and failed all the same is told to readers of the events; it is not stored. */
  private announceFailure({ declared }: Planned, error: unknown): void {
    const eventType = 'group_change_failed';
    const nowEpochMs = this.runtime.nowEpochMs();
    const about = {
      groupId: changedGroup(declared),
      version: toIsoTime(nowEpochMs),
      reason: error instanceof Error ? error.message : String(error),
    };
    this.events.announce(eventType, toEventPayload({ eventType, ...about }, nowEpochMs));
  }

  /** The answer of a dry run; its version and deployment do not exist. */
  private preview(plan: ChangePlan, options: ChangeOptions): CarriedOutChange {
    const { dryRun: _dryRun, ...rest } = options;
    const planned = this.planNow(plan);
    const preview = this.runtime.engine.previews.ofChange({
      ...rest,
      apply: (root, version) => this.plan(plan, root, version).declared,
    });
    return { ...NOTHING_DONE, ...planned, preview };
  }

  private planNow(plan: ChangePlan): Planned {
    return this.plan(plan, this.runtime.engine.view.root(), toIsoTime(this.runtime.nowEpochMs()));
  }

  /** Plans without changing anything. */
  private plan(plan: ChangePlan, root: RootGroup, version: string): Planned {
    const isPortClaimed = (port: number): boolean => this.clashes.isPortClaimed(root, port);
    const rules = { ...this.runtime.settings.rules, isPortClaimed };
    const outcome = plan({ root, version, rules });
    const declared = acceptedOrThrow(outcome);
    const shared = this.clashes.check(root, declared);
    return { declared, warnings: [...(outcome.ok ? outcome.warnings : []), ...shared] };
  }
}

interface Planned {
  readonly declared: Declaration;
  readonly warnings: readonly string[];
}

const NOTHING_DONE: ChangeResult = { version: '', deploymentId: '', restarts: [] };

/** Seconds after which a slot among the deployments may be free. */
const DEPLOYMENT_RETRY_SECONDS = '5';

type AcceptedChange = Extract<RootChangeOutcome, { readonly kind: 'accepted' }>;

/** The version and the deployment, or the error that says why not. */
export function resultOrThrow(outcome: RootChangeOutcome): AcceptedChange {
  switch (outcome.kind) {
    case 'accepted':
      return outcome;
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
