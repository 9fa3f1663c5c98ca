import { Injectable } from '@nestjs/common';
import { type AppId, isDormant, isPod, type PodApp } from '#core';
import {
  type ChangeContext,
  type Declaration,
  declarePod,
  findPod,
  idOfPod,
  type MarathonEvent,
  missingPod,
  type Outcome,
  readPod,
  removePod,
  resolveAppId,
  toWirePodInstance,
  toWirePodStatus,
  type WirePodInstance,
} from '#marathon-v2';
import { ApiError } from '#platform';
import { carriedOn, type WriteRequest } from '../apps/apps.service.js';
import { type CarriedOutChange, RootWriter } from '../changes/root-writer.js';
import type { ChangePreview } from '../engine/change-preview.port.js';
import type { InstanceView } from '../engine/controller-engine.port.js';
import { acceptedOrThrow, requireBody, toApiError } from '../http/outcome.js';
import { ControllerRuntime } from '../runtime/controller-runtime.js';
import type { KillOptions } from '../tasks/kill-request.js';
import { TaskKillService } from '../tasks/task-kill.service.js';

export interface WrittenPod extends CarriedOutChange {
  readonly pod: PodApp;
}

export type PodKillOptions = Pick<KillOptions, 'wipe' | 'dryRun' | 'by'>;

/** What the killed instances were, or of a dry run what the kill would do. */
export type KilledInstances =
  | { readonly kind: 'killed'; readonly instances: readonly WirePodInstance[] }
  | { readonly kind: 'previewed'; readonly preview: ChangePreview };

type PodEvent = 'pod_created_event' | 'pod_updated_event' | 'pod_deleted_event';

/** Creates, changes, removes and shows pods. */
@Injectable()
export class PodsService {
  constructor(
    private readonly runtime: ControllerRuntime,
    private readonly writer: RootWriter,
    private readonly kills: TaskKillService,
  ) {}

  list(): readonly PodApp[] {
    return [...this.runtime.engine.view.root().apps.values()].filter(isPod);
  }

  find(idText: string): PodApp {
    const { apps } = this.runtime.engine.view.root();
    const parsed = resolveAppId(idText, '/');
    const pod = parsed.ok ? findPod(apps, parsed.id) : undefined;
    if (pod !== undefined) return pod;
    throw toApiError(missingPod(parsed.ok ? parsed.id : idText));
  }

  async create(request: WriteRequest): Promise<WrittenPod> {
    return this.declare(request, { mode: 'create' });
  }

  /** PUT /v2/pods/{id}: the whole pod, whose id must be the URL's. */
  async put(idText: string, request: WriteRequest): Promise<WrittenPod> {
    const urlId = resolveAppId(idText, '/');
    if (!urlId.ok) {
      throw toApiError({
        kind: 'broken-rule',
        details: [{ path: '/id', errors: [urlId.error] }],
      });
    }
    return this.declare(request, { mode: 'upsert', urlId: urlId.id });
  }

  async remove(idText: string, request: WriteRequest): Promise<CarriedOutChange> {
    const { id } = this.find(idText);
    return this.writer.change((context) => removePod(context, id), {
      ...carriedOn(request),
      eventsOf: () => [podEvent('pod_deleted_event', request)],
    });
  }

  status(pod: PodApp): ReturnType<typeof toWirePodStatus> {
    const { view } = this.runtime.engine;
    return toWirePodStatus(pod, this.instancesOf(pod), {
      nowEpochMs: this.runtime.nowEpochMs(),
      failure: view.failureOf(pod.id),
    });
  }

  /** Versions of a pod, newest first. */
  async listVersions(idText: string): Promise<readonly string[]> {
    const stored = await this.runtime.store.listAppVersions(this.find(idText).id);
    return [...new Set(stored)].sort().reverse();
  }

  /** An earlier definition of a pod that still exists. */
  async findVersion(idText: string, version: string): Promise<PodApp> {
    const { id } = this.find(idText);
    const app = await this.runtime.store.loadAppVersion(id, version);
    // An app may have had the id before.
    if (app === undefined || !isPod(app)) throw toApiError(missingPod(id, version));
    return app;
  }

  /** Kills instances, which are replaced; what is no instance of the pod is left out. */
  async kill(
    pod: PodApp,
    ids: readonly string[],
    options: PodKillOptions,
  ): Promise<KilledInstances> {
    const wanted = new Set(ids);
    const found = this.instancesOf(pod).filter(({ instance }) => wanted.has(instance.id));
    const killed = await this.kills.kill(found, { ...options, scale: false, force: false });
    if (killed.kind === 'previewed') return killed;
    const now = this.runtime.nowEpochMs();
    return { kind: 'killed', instances: found.map((one) => toWirePodInstance(one, pod, now)) };
  }

  /** As {@link kill}, for one that must be there. */
  async killOne(pod: PodApp, id: string, options: PodKillOptions): Promise<KilledInstances> {
    const isThere = this.instancesOf(pod).some(({ instance }) => instance.id === id);
    if (isThere) return this.kill(pod, [id], options);
    throw new ApiError(404, `Instance '${id}' of pod '${pod.id}' does not exist`);
  }

  /** Without what is left of a resident app that had the id before. */
  private instancesOf(pod: PodApp): readonly InstanceView[] {
    const all = this.runtime.engine.view.instancesOf(pod.id);
    return all.filter(({ instance }) => !isDormant(instance));
  }

  private async declare(
    request: WriteRequest,
    options: { readonly mode: 'create' | 'upsert'; readonly urlId?: string },
  ): Promise<WrittenPod> {
    const read = readPod(requireBody(request.body), request);
    const update = acceptedOrThrow(read);
    const id = acceptedOrThrow(idOfPod(update));
    if (options.urlId !== undefined && options.urlId !== id) {
      throw new ApiError(400, `'${options.urlId}' does not match definition's id ('${id}')`);
    }
    let isNew = false;
    const plan = (context: ChangeContext): Outcome<Declaration> => {
      isNew = !context.root.apps.has(id);
      return declarePod(context, update, options);
    };
    const change = await this.writer.change(plan, {
      ...carriedOn(request),
      eventsOf: () => [podEvent(isNew ? 'pod_created_event' : 'pod_updated_event', request)],
    });
    const warnings = [...(read.ok ? read.warnings : []), ...change.warnings];
    return { ...change, warnings, pod: this.putPod(change, id) };
  }

  /** The pod as it was (or would be) put, or as it is if nothing changed. */
  private putPod(change: CarriedOutChange, id: AppId): PodApp {
    const put = change.declared.putApps.find((app) => app.id === id);
    return put !== undefined && isPod(put) ? put : this.find(id);
  }
}

const podEvent = (eventType: PodEvent, { clientIp, uri, by }: WriteRequest): MarathonEvent => ({
  eventType,
  clientIp,
  uri,
  ...(by === undefined ? {} : { by }),
});
