import { ApiError } from '#platform';

/** 422 for a query parameter, with its name, its value and what it may be. */
export const badQuery = (name: string, error: string): ApiError =>
  new ApiError(422, `Query parameter ${name} ${error}`, {
    details: [{ path: `/${name}`, errors: [error] }],
  });

const MAX_SHOWN = 60;

/** A value as it is shown in a message. */
export const shown = (text: string): string =>
  text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}...` : text;
