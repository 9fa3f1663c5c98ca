import { authorizationHeader } from './own-credential.js';

/** Longest wait for an answer. */
const REQUEST_LIMIT_MS = 30_000;

/** An answer other than 2xx; the message is what the API said. */
export class RequestError extends Error {
  readonly code = 'REQUEST';
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export interface ApiRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
}

export type ApiClient = <Answer>(path: string, request?: ApiRequest) => Promise<Answer>;

/** Speaks to a controller. Writes are strict: a field it does not know is an error. */
export function createApiClient(baseUrl: string): ApiClient {
  return async <Answer>(path: string, request: ApiRequest = {}): Promise<Answer> => {
    const url = resolveUrl(path, baseUrl);
    for (const [name, value] of Object.entries(request.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const response = await send(url, request);
    const text = await response.text();
    if (!response.ok) throw new RequestError(response.status, explain(response.status, text));
    return (text === '' ? undefined : JSON.parse(text)) as Answer;
  };
}

function resolveUrl(path: string, baseUrl: string): URL {
  if (URL.canParse(path, baseUrl)) return new URL(path, baseUrl);
  throw new Error(`${baseUrl} is not a URL such as http://localhost:8080 (--url, PACER_URL)`);
}

async function send(url: URL, request: ApiRequest): Promise<Response> {
  const authorization = authorizationHeader(process.env);
  try {
    return await fetch(url, {
      method: request.method ?? 'GET',
      headers: {
        accept: 'application/json',
        ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...authorization,
      },
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
      signal: AbortSignal.timeout(REQUEST_LIMIT_MS),
    });
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const reason = cause instanceof Error && cause.message !== '' ? cause.message : 'no answer';
    throw new Error(`${url.origin} does not answer (${reason}): is the cluster up? (pacer up)`);
  }
}

/** `message`, and below it each field with what is wrong with it, or the deployments in the way. */
export function explain(status: number, text: string): string {
  const body = parse(text);
  if (typeof body !== 'object' || body === null) return `HTTP ${status}: ${text.slice(0, 500)}`;
  const { message, details, deployments } = body as Readonly<Record<string, unknown>>;
  const lines = Array.isArray(details)
    ? details.map(
        (one: { path?: unknown; errors?: unknown }) =>
          `  ${one.path}: ${[one.errors].flat().join('; ')}`,
      )
    : typeof details === 'string'
      ? [`  ${details}`]
      : [];
  const inTheWay = Array.isArray(deployments)
    ? deployments.map((one: { id?: unknown }) => `  deployment ${one.id}`)
    : [];
  return [
    `${typeof message === 'string' ? message : text.slice(0, 500)} (HTTP ${status})`,
    ...lines,
    ...inTheWay,
  ].join('\n');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
