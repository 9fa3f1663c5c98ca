import { ApiError, isCrossSite } from '#platform';

const CALLBACK = /^[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*$/;
const MAX_CALLBACK = 128;

/** What stands around a body. */
export interface Wrapping {
  readonly contentType: string;
  readonly prefix: string;
  readonly suffix: string;
}

export const PLAIN_JSON: Wrapping = {
  contentType: 'application/json; charset=utf-8',
  prefix: '',
  suffix: '',
};

/**
 * JSON, or a script that calls `?jsonp=` with it. Only for pages of the same site: any page could load such a script, and
 * read what the browser may. The name is checked, as it becomes code.
 */
export function wrappingFor(
  callback: unknown,
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): Wrapping {
  if (callback === undefined || callback === '') return PLAIN_JSON;
  if (isCrossSite(headers)) {
    throw new ApiError(403, 'jsonp: a page of another site may not read this');
  }
  if (typeof callback !== 'string' || callback.length > MAX_CALLBACK || !CALLBACK.test(callback)) {
    const shown = JSON.stringify(callback).slice(0, MAX_CALLBACK);
    throw new ApiError(
      400,
      `jsonp is ${shown}, not the name of a function of at most ${MAX_CALLBACK} characters`,
    );
  }
  return {
    contentType: 'text/javascript; charset=utf-8',
    // The comment keeps a plug-in from taking the callback's name for something else.
    prefix: `/**/${callback}(`,
    suffix: ');',
  };
}
