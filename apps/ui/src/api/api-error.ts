import type { JsonValue } from './api-types.js';

export interface ErrorDetail {
  readonly path: string;
  readonly errors: readonly string[];
}

/** What the server (or the lack of one) answered. `status` 0 means no answer at all. */
export class ApiError extends Error {
  readonly status: number;
  readonly details: readonly ErrorDetail[];
  /** Ids of the deployments that hold the lock; not empty exactly when forcing makes sense. */
  readonly lockedBy: readonly string[];

  constructor(options: {
    status: number;
    message: string;
    details?: readonly ErrorDetail[];
    lockedBy?: readonly string[];
    cause?: unknown;
  }) {
    super(options.message, { cause: options.cause });
    this.name = 'ApiError';
    this.status = options.status;
    this.details = options.details ?? [];
    this.lockedBy = options.lockedBy ?? [];
  }

  get isLocked(): boolean {
    return this.status === 409 && this.lockedBy.length > 0;
  }

  /** Nobody answered, or a proxy did for a server that is away. */
  get isUnreachable(): boolean {
    return this.status === 0 || this.status === 502 || this.status === 503 || this.status === 504;
  }
}

/** Reads any of the documented error bodies; anything else becomes a sentence with the status. */
export function parseApiError(status: number, body: unknown): ApiError {
  const record = isRecord(body) ? body : {};
  const message = typeof record['message'] === 'string' ? record['message'] : '';
  return new ApiError({
    status,
    message: (message || fallbackMessage(status)).replace(
      " View details at '/v2/deployments/<DEPLOYMENT_ID>'.",
      '',
    ),
    details: parseDetails(record['details']),
    lockedBy: parseIds(record['deployments']),
  });
}

/** One line for a toast or an alert. */
export function describeError(error: unknown): string {
  if (error instanceof ApiError) {
    const details = error.details.flatMap((d) => d.errors.map((e) => joinPath(d.path, e)));
    return [error.message, ...details].join(' · ');
  }
  return error instanceof Error ? error.message : String(error);
}

function fallbackMessage(status: number): string {
  switch (status) {
    case 401:
      return 'You are not signed in (401).';
    case 403:
      return 'You are not allowed to do this (403).';
    case 404:
      return 'Not found (404).';
    case 503:
      return 'The controller has no leader or no database at the moment (503).';
    default:
      return `The server answered ${status} without an explanation.`;
  }
}

function parseDetails(details: unknown): ErrorDetail[] {
  if (typeof details === 'string') {
    return [{ path: '/', errors: [details] }];
  }
  if (!Array.isArray(details)) {
    return [];
  }
  return (details as JsonValue[]).flatMap((detail) => {
    if (!isRecord(detail)) {
      return [];
    }
    const path = typeof detail['path'] === 'string' ? detail['path'] : '/';
    const said = Array.isArray(detail['explained']) ? detail['explained'] : detail['errors'];
    const errors = Array.isArray(said) ? said.map(String) : [];
    return [{ path: path === '' ? '/' : path, errors: errors.map(readableCode) }];
  });
}

function parseIds(deployments: unknown): string[] {
  if (!Array.isArray(deployments)) {
    return [];
  }
  return deployments.flatMap((d: unknown) =>
    isRecord(d) && typeof d['id'] === 'string' ? [d['id']] : [],
  );
}

/** Marathon answers parser codes where people expect sentences. */
function readableCode(code: string): string {
  switch (code) {
    case 'error.path.missing':
      return 'is required';
    case 'error.expected.jsnumber':
      return 'must be a number';
    case 'error.expected.jsstring':
      return 'must be a string';
    case 'error.expected.int':
      return 'must be a whole number';
    case 'error.expected.jsboolean':
      return 'must be true or false';
    case 'error.expected.jsobject':
      return 'must be an object';
    case 'error.expected.jsarray':
      return 'must be a list';
    case 'error.maxLength':
      return 'is too long';
    case 'error.minLength':
      return 'must not be empty';
    default:
      return code.replace('error.unknown.enum.literal: ', '');
  }
}

function joinPath(path: string, error: string): string {
  return path === '/' ? error : `${path}: ${error}`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
