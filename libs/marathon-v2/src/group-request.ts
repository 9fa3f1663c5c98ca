import { type AppUpdate, type ReadOptions, readAppUpdate } from './app-request.js';
import { definedFields, type ObjectReader, readObject } from './object-reader.js';
import { type Outcome, ProblemLog } from './refusal.js';

/** What a request says about a group. An absent list leaves what is there; a list replaces it. */
export interface GroupUpdate {
  readonly id?: string;
  readonly path: string;
  readonly apps?: readonly AppUpdate[];
  readonly groups?: readonly GroupUpdate[];
  readonly dependencies?: readonly string[];
  readonly enforceRole?: boolean;
}

/** A PUT of a group: a tree, the way back to a version, or a factor for all instances below. */
export type GroupRequest =
  | { readonly kind: 'update'; readonly update: GroupUpdate }
  | { readonly kind: 'rollback'; readonly version: string }
  | { readonly kind: 'scale'; readonly factor: number };

/** Factors beyond are refused; the bound on instances follows anyway. */
const MAX_SCALE_FACTOR = 100_000;

/** Reads the body of POST /v2/groups. */
export function readNewGroup(body: unknown, options: ReadOptions): Outcome<GroupUpdate> {
  const problems = new ProblemLog();
  return problems.conclude(readObject(body, '', problems, readGroupUpdate), options);
}

/**
 * Reads the body of PUT /v2/groups/{id}. `version` wins over `scaleBy`; neither may stand beside anything but `id`. A
 * group that was read (it has apps, groups, dependencies and a version) may be sent back: its version is ignored.
 */
export function readGroupRequest(body: unknown, options: ReadOptions): Outcome<GroupRequest> {
  const problems = new ProblemLog();
  const request = readObject(body, '', problems, (reader): GroupRequest | undefined => {
    const isReadBack = ['apps', 'groups', 'dependencies'].every((name) => reader.has(name));
    if (reader.has('version') && !isReadBack) {
      const version = reader.string('version');
      refuseOthers(reader, 'version', ['id', 'version', 'scaleBy']);
      return version === undefined ? undefined : { kind: 'rollback', version };
    }
    if (reader.has('scaleBy')) {
      const factor = reader.number('scaleBy');
      refuseOthers(reader, 'scaleBy', ['id', 'scaleBy']);
      if (factor === undefined) return undefined;
      if (factor < 0 || factor > MAX_SCALE_FACTOR) {
        problems.reportRule('/scaleBy', `${factor} is not from 0 to ${MAX_SCALE_FACTOR}`);
      }
      return { kind: 'scale', factor };
    }
    return { kind: 'update', update: readGroupUpdate(reader) };
  });
  return problems.conclude(request, options);
}

/** Reads the body of PATCH /v2/groups/{id}: `enforceRole` and nothing else. */
export function readGroupPatch(
  body: unknown,
  options: ReadOptions,
): Outcome<{ readonly enforceRole: boolean }> {
  const problems = new ProblemLog();
  const patch = readObject(body, '', problems, (reader) => {
    if (!reader.has('enforceRole')) reader.reportMissing('enforceRole');
    const enforceRole = reader.boolean('enforceRole');
    return enforceRole === undefined ? undefined : { enforceRole };
  });
  return problems.conclude(patch, options);
}

function refuseOthers(reader: ObjectReader, field: string, allowed: readonly string[]): void {
  reader.ignore(reader.names());
  const others = reader.names().filter((name) => !allowed.includes(name));
  if (others.length > 0) {
    reader.problems.reportRule(
      `/${field}`,
      `may not be combined with other properties: ${others.slice(0, 5).join(', ')}`,
    );
  }
}

function readGroupUpdate(reader: ObjectReader): GroupUpdate {
  const update = definedFields({
    id: reader.string('id', { minLength: 1 }),
    apps: reader.objects('apps', readAppUpdate),
    groups: reader.objects('groups', readGroupUpdate),
    dependencies: reader.strings('dependencies'),
    enforceRole: reader.boolean('enforceRole'),
  });
  const pods = reader.list('pods', (pod) => pod) ?? [];
  if (pods.length > 0) {
    reader.problems.reportRule(reader.pathOf('pods'), 'pods cannot be created through groups');
  }
  reader.ignore(['version', 'versionInfo']);
  return { ...update, path: reader.path };
}
