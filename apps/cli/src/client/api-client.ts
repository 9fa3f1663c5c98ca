import { authorizationHeader } from './own-credential.js';
import { type Answer as Reply, sendRequest } from './send-request.js';

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
    const { status, text } = await send(url, request);
    if (status < 200 || status > 299) throw new RequestError(status, explain(status, text));
    return (text === '' ? undefined : JSON.parse(text)) as Answer;
  };
}

function resolveUrl(path: string, baseUrl: string): URL {
  const url = URL.canParse(path, baseUrl) ? new URL(path, baseUrl) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol)) return url;
  throw new Error(`${baseUrl} is not a URL such as http://localhost:8080 (--url, PACER_URL)`);
}

async function send(url: URL, request: ApiRequest): Promise<Reply> {
  const authorization = authorizationHeader(process.env);
  try {
    return await sendRequest(url, {
      method: request.method ?? 'GET',
      headers: {
        accept: 'application/json',
        ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...authorization,
      },
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
      limitMs: REQUEST_LIMIT_MS,
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
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
        (one: { path?: unknown; errors?: unknown; explained?: unknown }) =>
          `  ${one.path}: ${[one.explained ?? one.errors].flat().join('; ')}`,
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
