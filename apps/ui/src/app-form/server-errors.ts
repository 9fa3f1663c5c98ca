import type { ErrorDetail } from '../api/api-error.js';
import { ApiError } from '../api/api-error.js';
import type { FieldErrors, FieldName } from './app-form.js';

/** What the server said of a definition: beside the fields it concerns, and all that has no field here. */
export interface ServerErrors {
  readonly message: string;
  readonly fields: FieldErrors;
  readonly others: readonly ErrorDetail[];
}

const FIELD_BY_NAME: Readonly<Record<string, FieldName>> = {
  id: 'id',
  cmd: 'cmd',
  cpus: 'cpus',
  mem: 'mem',
  instances: 'instances',
  uris: 'uris',
  fetch: 'uris',
};

/** Marathon's heading for a value of the wrong type, which a form's reader never wrote as JSON. */
const READABLE: Readonly<Record<string, string>> = {
  'Invalid JSON': 'A field has a value of the wrong kind',
};

export function mapServerErrors(error: unknown): ServerErrors {
  if (!(error instanceof ApiError)) {
    return { message: String(error), fields: {}, others: [] };
  }
  // The only conflict that is not a lock is an id that is taken.
  if (error.status === 409 && !error.isLocked) {
    return { message: error.message, fields: { id: error.message }, others: [] };
  }
  const fields: Partial<Record<FieldName, string>> = {};
  const others: ErrorDetail[] = [];
  for (const detail of error.details) {
    const field = fieldOfPath(detail.path);
    if (field) {
      const text = detail.errors.join('; ');
      fields[field] = fields[field] ? `${fields[field]}; ${text}` : text;
    } else {
      others.push(detail);
    }
  }
  return { message: READABLE[error.message] ?? error.message, fields, others };
}

/** `/fetch(0)/uri` -> `uris`; `/container/docker/image` -> nothing. */
export function fieldOfPath(path: string): FieldName | undefined {
  const first = /^\/?([A-Za-z]+)/.exec(path)?.[1] ?? '';
  return Object.hasOwn(FIELD_BY_NAME, first) ? FIELD_BY_NAME[first] : undefined;
}
