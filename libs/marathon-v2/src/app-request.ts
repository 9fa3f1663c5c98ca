import { readAppFields } from './app-fields.js';
import { convertLegacy } from './convert-legacy.js';
import { type ObjectReader, readList, readObject } from './object-reader.js';
import { type Outcome, ProblemLog, refuse } from './refusal.js';
import type { AppFields } from './written-app.js';

/** What a request says about one app. `path` is where in the body it says so, for later problems. */
export interface AppUpdate {
  /** As written: possibly relative. */
  readonly id?: string;
  readonly fields: AppFields;
  readonly path: string;
}

/** A PUT or PATCH of one app: new fields, or the way back to a stored version. */
export type AppRequest =
  | { readonly kind: 'update'; readonly update: AppUpdate }
  | { readonly kind: 'rollback'; readonly version: string };

export interface ReadOptions {
  /** Unknown fields are refused instead of warned about. */
  readonly strict: boolean;
}

/** Reads the body of POST /v2/apps: a complete definition with an id. */
export function readNewApp(body: unknown, options: ReadOptions): Outcome<AppUpdate> {
  const problems = new ProblemLog();
  const update = readObject(body, '', problems, (reader) => {
    if (!reader.has('id')) reader.reportMissing('id');
    return readAppUpdate(reader);
  });
  return problems.conclude(update, options);
}

/**
 * Reads the body of PUT and PATCH /v2/apps/{id}. `version` alone (or with `id`) asks for a rollback; beside other
 * fields it is refused, unless `versionInfo` shows that the client sends back a definition it has read.
 */
export function readAppRequest(body: unknown, options: ReadOptions): Outcome<AppRequest> {
  const problems = new ProblemLog();
  const request = readObject(body, '', problems, (reader): AppRequest | undefined => {
    const isRollback = reader.has('version') && !reader.has('versionInfo');
    if (!isRollback) return { kind: 'update', update: readAppUpdate(reader) };
    const version = reader.string('version');
    const others = reader.names().filter((name) => name !== 'version' && name !== 'id');
    reader.ignore(['id', ...others]);
    if (others.length > 0) {
      problems.reportRule('/version', 'may be combined with id only: it asks for a rollback');
    }
    return version === undefined ? undefined : { kind: 'rollback', version };
  });
  return problems.conclude(request, options);
}

/** Reads the body of PUT and PATCH /v2/apps: a list of updates, each with an id. */
export function readAppList(body: unknown, options: ReadOptions): Outcome<readonly AppUpdate[]> {
  const problems = new ProblemLog();
  const updates = readList(body, '', problems, (value, path) =>
    readObject(value, path, problems, readAppUpdate),
  );
  const missing = updates?.findIndex((update) => update.id === undefined) ?? -1;
  if (problems.refusal() === undefined && missing >= 0) {
    return refuse({
      kind: 'bad-argument',
      message: `(${missing}): an update of several apps needs the id of each`,
    });
  }
  return problems.conclude(updates, options);
}

/** Reads one app at the reader's place: its id as written and its fields in today's form. */
export function readAppUpdate(reader: ObjectReader): AppUpdate {
  const id = reader.string('id', { minLength: 1 });
  if (id !== undefined) reader.problems.name(reader.path, id);
  const fields = convertLegacy(readAppFields(reader), reader.path, reader.problems);
  return { ...(id === undefined ? {} : { id }), fields, path: reader.path };
}
