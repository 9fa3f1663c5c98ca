/** One wrong field: where it is (`/cmd`, `/ports(0)`, `/` for the whole) and what is wrong with it. */
export interface ErrorDetail {
  readonly path: string;
  readonly errors: readonly string[];
}

/**
 * An answer a daemon gives on purpose. The body is `{ message, details?, ...extra }`, Marathon's shape; `details` is a
 * list, or a string for a body that is not JSON. Throw it from any handler, pipe or guard.
 */
export class ApiError extends Error {
  readonly status: number;
  readonly details: readonly ErrorDetail[] | string | undefined;
  /** Further members of the body, such as `deployments` of a 409. */
  readonly extra: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    message: string,
    options: {
      readonly details?: readonly ErrorDetail[] | string;
      readonly extra?: Readonly<Record<string, unknown>>;
      readonly headers?: Readonly<Record<string, string>>;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'ApiError';
    this.status = status;
    this.details = options.details;
    this.extra = options.extra ?? {};
    this.headers = options.headers ?? {};
  }
}
