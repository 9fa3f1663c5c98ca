import type { JsonObject, JsonValue } from '../api/api-types.js';

/** The six classic fields, as typed. Text, so that half a number can be on the screen. */
export interface FormFields {
  readonly id: string;
  readonly cmd: string;
  readonly cpus: string;
  readonly mem: string;
  readonly instances: string;
  /** One URI a line. */
  readonly uris: string;
}

export type FieldName = keyof FormFields;

export type FieldErrors = Readonly<Partial<Record<FieldName, string>>>;

export interface FormResult {
  readonly app: JsonObject;
  readonly errors: FieldErrors;
}

export type JsonResult =
  | { readonly ok: true; readonly app: JsonObject }
  | { readonly ok: false; readonly error: string };

/** The defaults of the API, spelled out so that the form shows what will happen. */
export const NEW_APP: JsonObject = { id: '', cmd: '', cpus: 1, mem: 128, instances: 1 };

const ID_SEGMENT =
  /^([a-z0-9]|[a-z0-9][a-z0-9-]*[a-z0-9])(\.([a-z0-9]|[a-z0-9][a-z0-9-]*[a-z0-9]))*$/;

export function fieldsOfApp(app: JsonObject): FormFields {
  return {
    id: textOf(app['id']),
    cmd: textOf(app['cmd']),
    cpus: textOf(app['cpus']),
    mem: textOf(app['mem']),
    instances: textOf(app['instances']),
    uris: urisOf(app).join('\n'),
  };
}

/** Writes the fields into the definition. Everything the form does not know stays as it was. */
export function applyFields(app: JsonObject, fields: FormFields): FormResult {
  const next: JsonObject = { ...app };
  const errors: Partial<Record<FieldName, string>> = {};

  next['id'] = fields.id.trim();
  const idError = checkId(fields.id.trim());
  if (idError) {
    errors.id = idError;
  }
  setOrRemove(next, 'cmd', fields.cmd.trim() === '' ? undefined : fields.cmd);
  for (const [name, rule] of NUMBER_RULES) {
    const { value, error } = readNumber(fields[name], rule);
    setOrRemove(next, name, value);
    if (error) {
      errors[name] = error;
    }
  }
  applyUris(next, splitLines(fields.uris));
  return { app: next, errors };
}

export function parseAppJson(text: string): JsonResult {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { ok: false, error: `This is not JSON: ${describeSyntaxError(error, text)}` };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { ok: false, error: 'An app definition is a JSON object: { "id": "/name", … }' };
  }
  return { ok: true, app: value as JsonObject };
}

export function printAppJson(app: JsonObject): string {
  return JSON.stringify(app, undefined, 2);
}

/** Fields the server writes or derives; left out when a definition is edited. */
const SERVER_FIELDS: ReadonlySet<string> = new Set([
  'version',
  'versionInfo',
  'tasks',
  'tasksStaged',
  'tasksRunning',
  'tasksHealthy',
  'tasksUnhealthy',
  'completed',
  'failed',
  'deployments',
  'lastTaskFailure',
  'taskStats',
  'tasksStats',
  'readinessCheckResults',
]);

/** The definition without what the server added, and without deprecated twins of current fields. */
export function editableDefinition(app: JsonObject): JsonObject {
  const hasTwin = (name: string) =>
    (name === 'uris' && 'fetch' in app) ||
    (name === 'ports' && 'portDefinitions' in app) ||
    ((name === 'uris' || name === 'ports') && isEmptyList(app[name]));
  const kept = Object.entries(app).filter(([name]) => !SERVER_FIELDS.has(name) && !hasTwin(name));
  return Object.fromEntries(kept.sort(([a], [b]) => readingRank(a) - readingRank(b)));
}

/** What a reader looks for first; the rest keeps its order. */
const READ_FIRST: readonly string[] = [
  'id',
  'cmd',
  'args',
  'container',
  'instances',
  'cpus',
  'mem',
];

function readingRank(name: string): number {
  const rank = READ_FIRST.indexOf(name);
  return rank < 0 ? READ_FIRST.length : rank;
}

interface NumberRule {
  readonly min: number;
  readonly isInteger: boolean;
}

const NUMBER_RULES: readonly (readonly ['cpus' | 'mem' | 'instances', NumberRule])[] = [
  ['cpus', { min: 0.001, isInteger: false }],
  ['mem', { min: 0, isInteger: false }],
  ['instances', { min: 0, isInteger: true }],
];

function readNumber(text: string, rule: NumberRule): { value?: number; error?: string } {
  const trimmed = text.trim();
  if (trimmed === '') {
    return {};
  }
  const value = Number(trimmed);
  if (!Number.isFinite(value)) {
    return { error: `"${trimmed}" is not a number` };
  }
  if (value < rule.min) {
    return { value, error: `${value} is below the minimum ${rule.min}` };
  }
  if (rule.isInteger && !Number.isInteger(value)) {
    return { value, error: `${value} is not a whole number` };
  }
  return { value };
}

function checkId(id: string): string | undefined {
  if (id === '' || id === '/') {
    return 'An ID is required, such as /shop/web';
  }
  const segments = id.split('/').filter((s) => s !== '');
  const wrong = segments.find((s) => s !== '.' && s !== '..' && !ID_SEGMENT.test(s));
  return wrong === undefined
    ? undefined
    : `"${wrong}" may only hold lowercase letters, digits, hyphens and dots, and must begin and end with a letter or digit`;
}

function urisOf(app: JsonObject): string[] {
  const fetched = listOf(app['fetch']).map((f) => (isObject(f) ? textOf(f['uri']) : ''));
  return [...fetched, ...listOf(app['uris']).map(textOf)].filter((uri) => uri !== '');
}

/** Keeps `extract`, `cache` and the like of entries whose URI stays. Old definitions keep their `uris`. */
function applyUris(app: JsonObject, uris: readonly string[]): void {
  if (uris.join('\n') === urisOf(app).join('\n')) {
    return;
  }
  if (Array.isArray(app['uris']) && listOf(app['fetch']).length === 0) {
    setOrRemove(app, 'uris', uris.length === 0 ? undefined : [...uris]);
    return;
  }
  const known = new Map(
    listOf(app['fetch']).flatMap((f) => (isObject(f) ? [[textOf(f['uri']), f] as const] : [])),
  );
  delete app['uris'];
  setOrRemove(
    app,
    'fetch',
    uris.length === 0 ? undefined : uris.map((uri) => known.get(uri) ?? { uri }),
  );
}

function describeSyntaxError(error: unknown, text: string): string {
  const message = error instanceof Error ? error.message : String(error);
  const position = /position (\d+)/.exec(message)?.[1];
  if (position === undefined || /line \d+/.test(message)) {
    return message;
  }
  const before = text.slice(0, Number(position)).split('\n');
  return `${message} (line ${before.length}, column ${(before.at(-1) ?? '').length + 1})`;
}

function setOrRemove(app: JsonObject, name: string, value: JsonValue | undefined): void {
  if (value === undefined) {
    delete app[name];
  } else {
    app[name] = value;
  }
}

function splitLines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : [];
}

function isEmptyList(value: JsonValue | undefined): boolean {
  return Array.isArray(value) && value.length === 0;
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
