import { ApiError, parseApiError } from './api-error.js';

/** A request nobody answers within this time counts as a lost connection. */
const REQUEST_TIMEOUT_MS = 20_000;

export interface RequestOptions {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly query?: Readonly<Record<string, string | number | boolean | readonly string[]>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/** `/v2/apps` + `/shop/web` -> `/v2/apps/shop/web`; the slashes stay, all else is escaped. */
export function resourcePath(base: string, id: string): string {
  const segments = id.split('/').filter((s) => s !== '');
  return [base, ...segments.map(encodeURIComponent)].join('/');
}

export function requestUrl(path: string, query: RequestOptions['query'] = {}): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      params.append(name, String(one));
    }
  }
  const text = params.toString();
  return text === '' ? path : `${path}?${text}`;
}

/** Speaks JSON to the controller on our own origin. Throws only `ApiError` and the caller's own abort. */
export async function request<T>(path: string, options: RequestOptions = {}): Promise<T> {
  const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
  const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
  try {
    const response = await fetch(requestUrl(path, options.query), {
      method: options.method ?? 'GET',
      headers: {
        accept: 'application/json',
        ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      signal,
    });
    const body = parseBody(await response.text());
    if (!response.ok) {
      throw parseApiError(response.status, body);
    }
    return body as T;
  } catch (error) {
    if (error instanceof ApiError || options.signal?.aborted) {
      throw error;
    }
    const message = timeout.aborted
      ? `No answer from ${path} within ${REQUEST_TIMEOUT_MS / 1000} s`
      : 'The controller cannot be reached';
    throw new ApiError({ status: 0, message, cause: error });
  }
}

/** Changes are strict: a field the server does not know is refused rather than dropped. */
export function change<T>(
  method: 'POST' | 'PUT' | 'DELETE',
  path: string,
  options: { body?: unknown; query?: RequestOptions['query']; force?: boolean } = {},
): Promise<T> {
  const query = {
    ...options.query,
    ...(options.force ? { force: true } : {}),
    ...(options.body === undefined ? {} : { strict: true }),
  };
  return request<T>(path, { method, query, body: options.body });
}

function parseBody(text: string): unknown {
  if (text === '') {
    return {};
  }
  try {
    return JSON.parse(text);
  } catch {
    return { message: text.slice(0, 500) };
  }
}
