import { Injectable } from '@nestjs/common';
import { type GroupId, groupId, type RootGroup } from '#core';
import {
  type ChangeContext,
  type Declaration,
  declareGroup,
  type GroupRequest,
  idOfGroupUpdate,
  missingGroup,
  type Outcome,
  patchGroup,
  readGroupPatch,
  readGroupRequest,
  readNewGroup,
  removeGroup,
  resolveId,
  restoreGroup,
  scaleGroup,
} from '#marathon-v2';
import { carriedOn, type WriteFlags, type WriteRequest } from '../apps/apps.service.js';
import { type CarriedOutChange, type ChangePlan, RootWriter } from '../changes/root-writer.js';
import { acceptedOrThrow, requireBody, toApiError } from '../http/outcome.js';
import { ControllerRuntime } from '../runtime/controller-runtime.js';

export interface WrittenGroup extends CarriedOutChange {
  readonly id: GroupId;
}

/** What a PUT of a group amounts to, before it is carried out. */
export interface GroupChange {
  readonly id: GroupId;
  readonly plan: ChangePlan;
  readonly reason?: string;
  readonly warnings: readonly string[];
}

/** Creates, changes and removes groups with everything in them. */
@Injectable()
export class GroupsService {
  constructor(
    private readonly runtime: ControllerRuntime,
    private readonly writer: RootWriter,
  ) {}

  /** The id of a group that exists, or 404. */
  find(idText: string, root: RootGroup = this.runtime.engine.view.root()): GroupId {
    const parsed = resolveId(idText, '/');
    if (parsed.ok && root.groups.has(groupId(parsed.id))) return groupId(parsed.id);
    throw toApiError(missingGroup(parsed.ok ? parsed.id : idText));
  }

  async create(idText: string, request: WriteRequest): Promise<WrittenGroup> {
    const read = readNewGroup(requireBody(request.body), request);
    const update = acceptedOrThrow(read);
    const id = acceptedOrThrow(idOfGroupUpdate(update, this.idFromUrl(idText)));
    const change = await this.writer.change(
      (context) => declareGroup(context, id, update, { create: true }),
      carriedOn(request),
    );
    return { ...change, id, warnings: [...warningsOf(read), ...change.warnings] };
  }

  /** Reads a PUT; {@link carryOut} does it, or shows what it would do. */
  async prepare(idText: string, request: WriteRequest): Promise<GroupChange> {
    const urlId = this.idFromUrl(idText);
    const read = readGroupRequest(requireBody(request.body), request);
    const change = acceptedOrThrow(read);
    return { ...(await this.toPlan(change, urlId)), warnings: warningsOf(read) };
  }

  async carryOut(change: GroupChange, flags: WriteFlags): Promise<CarriedOutChange> {
    const { plan, reason, warnings } = change;
    const done = await this.writer.change(plan, {
      ...carriedOn(flags),
      ...(reason === undefined ? {} : { reason }),
    });
    return { ...done, warnings: [...warnings, ...done.warnings] };
  }

  async patch(idText: string, request: WriteRequest): Promise<CarriedOutChange> {
    const patch = acceptedOrThrow(readGroupPatch(requireBody(request.body), request));
    const id = this.find(idText);
    return this.writer.change((context) => patchGroup(context, id, patch), carriedOn(request));
  }

  async remove(idText: string, flags: WriteFlags): Promise<CarriedOutChange> {
    const id = this.find(idText);
    return this.writer.change((context) => removeGroup(context, id), carriedOn(flags));
  }

  /** The whole tree as it was at a version, or 404. */
  async loadVersion(id: string, version: string): Promise<RootGroup> {
    const root = await this.runtime.store.loadGroupVersion(version);
    if (root === undefined) throw toApiError(missingGroup(id, version));
    return root;
  }

  private async toPlan(
    change: GroupRequest,
    urlId: GroupId,
  ): Promise<Omit<GroupChange, 'warnings'>> {
    switch (change.kind) {
      case 'rollback': {
        const { version } = change;
        const earlier = await this.loadVersion(urlId, version);
        if (!earlier.groups.has(urlId)) throw toApiError(missingGroup(urlId, version));
        return {
          id: urlId,
          plan: (context) => restoreGroup(context, earlier, urlId),
          reason: `rollback of ${urlId} to version ${version}`,
        };
      }
      case 'scale':
        return { id: urlId, plan: (context) => scaleGroup(context, urlId, change.factor) };
      case 'update': {
        const id = acceptedOrThrow(idOfGroupUpdate(change.update, urlId));
        return {
          id,
          plan: (context: ChangeContext): Outcome<Declaration> =>
            declareGroup(context, id, change.update, { create: false }),
        };
      }
      default:
        return change satisfies never;
    }
  }

  private idFromUrl(idText: string): GroupId {
    const parsed = resolveId(idText, '/');
    if (parsed.ok) return groupId(parsed.id);
    throw toApiError({
      kind: 'broken-rule',
      details: [{ path: '/id', errors: [parsed.error] }],
    });
  }
}

const warningsOf = (outcome: Outcome<unknown>): readonly string[] =>
  outcome.ok ? outcome.warnings : [];
