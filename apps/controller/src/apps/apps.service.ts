import { Injectable } from '@nestjs/common';
import type { App, AppId } from '#core';
import { appId, isPod } from '#core';
import type { LimitOverride } from '#deployment';
import {
  type AppUpdate,
  type ChangeContext,
  type Declaration,
  declareApps,
  findApp,
  idOfUpdate,
  type MarathonEvent,
  missingApp,
  type Outcome,
  type ReadOptions,
  readAppList,
  readAppRequest,
  readNewApp,
  removeApp,
  resolveAppId,
  restartApp,
  restoreApp,
  toWireApp,
} from '#marathon-v2';
import { ApiError } from '#platform';
import type { AskedBy } from '../changes/asked-by.js';
import { type CarriedOutChange, RootWriter } from '../changes/root-writer.js';
import { acceptedOrThrow, requireBody, toApiError } from '../http/outcome.js';
import { ControllerRuntime } from '../runtime/controller-runtime.js';

export interface WriteFlags extends AskedBy {
  readonly force: boolean;
  readonly dryRun: boolean;
  readonly limits?: LimitOverride;
}

/** Who asks and how. */
export interface WriteRequest extends ReadOptions, WriteFlags {
  readonly body: unknown;
  readonly clientIp: string;
  readonly uri: string;
}

export interface WrittenAppResult extends CarriedOutChange {
  readonly app: App;
  readonly isNew: boolean;
}

/** Creates, changes, restarts and removes apps. */
@Injectable()
export class AppsService {
  constructor(
    private readonly runtime: ControllerRuntime,
    private readonly writer: RootWriter,
  ) {}

  /** The app, or 404. An id that no app can have does not exist either. */
  find(idText: string): App {
    const parsed = resolveAppId(idText, '/');
    const { apps } = this.runtime.engine.view.root();
    const app = parsed.ok ? findApp(apps, parsed.id) : undefined;
    if (app === undefined) throw toApiError(missingApp(parsed.ok ? parsed.id : idText));
    return app;
  }

  /** POST /v2/apps. */
  async create(request: WriteRequest): Promise<WrittenAppResult> {
    const read = readNewApp(requireBody(request.body), request);
    const update = acceptedOrThrow(read);
    return this.declareOne(update, request, { mode: 'create', partial: false }, warningsOf(read));
  }

  /** PUT and PATCH /v2/apps/{id}. The id in the URL counts, whatever the body says. */
  async update(
    idText: string,
    request: WriteRequest,
    options: { readonly mode: 'upsert' | 'update'; readonly partial: boolean },
  ): Promise<WrittenAppResult> {
    const read = readAppRequest(requireBody(request.body), request);
    const change = acceptedOrThrow(read);
    const warnings = [...warningsOf(read)];
    const urlId = this.idFromUrl(idText);
    if (change.kind === 'rollback') return this.rollBack(urlId, change.version, request);
    const { update } = change;
    if (update.id !== undefined) {
      const bodyId = resolveAppId(update.id, '/');
      if (!bodyId.ok || bodyId.id !== urlId) {
        warnings.push(`/id ${update.id} is ignored: the URL says ${urlId}`);
      }
    }
    return this.declareOne({ ...update, id: urlId }, request, options, warnings);
  }

  /** PUT and PATCH /v2/apps: all in one change. */
  async updateAll(
    request: WriteRequest,
    options: { readonly mode: 'upsert' | 'update'; readonly partial: boolean },
  ): Promise<CarriedOutChange> {
    const read = readAppList(requireBody(request.body), request);
    const updates = acceptedOrThrow(read);
    const change = await this.writer.change((context) => declareApps(context, updates, options), {
      ...carriedOn(request),
    });
    return { ...change, warnings: [...warningsOf(read), ...change.warnings] };
  }

  async restart(idText: string, flags: WriteFlags): Promise<CarriedOutChange> {
    const { id } = this.find(idText);
    const options = { ...carriedOn(flags), restart: [id] };
    return this.writer.change((context) => restartApp(context, id), options);
  }

  async remove(idText: string, flags: WriteFlags): Promise<CarriedOutChange> {
    const { id } = this.find(idText);
    return this.writer.change((context) => removeApp(context, id), carriedOn(flags));
  }

  /** Versions of an app, newest first. A roll-back brings a version back, which is one all the same. */
  async listVersions(idText: string): Promise<readonly string[]> {
    const stored = await this.runtime.store.listAppVersions(this.find(idText).id);
    return [...new Set(stored)].sort().reverse();
  }

  /** An earlier definition of an app that still exists. */
  async findVersion(idText: string, version: string): Promise<App> {
    const { id } = this.find(idText);
    return this.loadVersion(id, version);
  }

  private async rollBack(
    id: AppId,
    version: string,
    request: WriteRequest,
  ): Promise<WrittenAppResult> {
    const earlier = await this.loadVersion(id, version);
    const plan = (context: ChangeContext): Outcome<Declaration> => restoreApp(context, earlier);
    const change = await this.writer.change(plan, {
      ...carriedOn(request),
      reason: `rollback of ${id} to version ${version}`,
      eventsOf: (putApps) => postEvents(putApps, request),
    });
    return { ...change, isNew: false, app: this.putApp(change, id) };
  }

  private async loadVersion(id: AppId, version: string): Promise<App> {
    const app = await this.runtime.store.loadAppVersion(id, version);
    if (app === undefined || isPod(app)) throw toApiError(missingApp(id, version));
    return app;
  }

  private async declareOne(
    update: AppUpdate,
    request: WriteRequest,
    options: { readonly mode: 'create' | 'upsert' | 'update'; readonly partial: boolean },
    warnings: readonly string[],
  ): Promise<WrittenAppResult> {
    const id = acceptedOrThrow(idOfUpdate(update));
    let isNew = false;
    const plan = (context: ChangeContext): Outcome<Declaration> => {
      isNew = !context.root.apps.has(id);
      return declareApps(context, [update], options);
    };
    const change = await this.writer.change(plan, {
      ...carriedOn(request),
      eventsOf: (putApps) => postEvents(putApps, request),
    });
    return {
      ...change,
      warnings: [...warnings, ...change.warnings],
      app: this.putApp(change, id),
      isNew,
    };
  }

  /** The app as it was put, or as it is if nothing changed. */
  private putApp(change: CarriedOutChange, id: AppId): App {
    return change.declared.putApps.find((app) => app.id === id) ?? this.find(id);
  }

  private idFromUrl(idText: string): AppId {
    const parsed = resolveAppId(idText, '/');
    if (parsed.ok) return appId(parsed.id);
    throw new ApiError(422, 'Object is not valid', {
      details: [{ path: '/id', errors: [parsed.error] }],
    });
  }
}

/** What of a request concerns the change as a whole. */
export const carriedOn = ({ force, dryRun, limits, by }: WriteFlags): WriteFlags => ({
  force,
  dryRun,
  ...(limits === undefined ? {} : { limits }),
  ...(by === undefined ? {} : { by }),
});

const warningsOf = (outcome: Outcome<unknown>): readonly string[] =>
  outcome.ok ? outcome.warnings : [];

const postEvents = (
  putApps: readonly App[],
  { clientIp, uri, by }: WriteRequest,
): readonly MarathonEvent[] =>
  putApps.map((app) => ({
    eventType: 'api_post_event',
    clientIp,
    uri,
    ...(by === undefined ? {} : { by }),
    appDefinition: toWireApp(app),
  }));
