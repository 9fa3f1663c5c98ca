/** Why a v1 call is refused before its body is read, as Mesos answers. */
export interface CallRefusal {
  readonly status: number;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

interface CallHead {
  readonly method: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

const JSON_TYPE = /^application\/json\b/i;
const USABLE_ACCEPT = /(?:^|[,\s])(?:\*\/\*|application\/\*|application\/json)\s*(?:[;,]|$)/i;
/** Characters of a client's header that are told back to it. */
const MAX_ECHO = 100;

/** Method (405), then content type (400 missing, 415 another). */
export function findCallRefusal({ method, headers }: CallHead): CallRefusal | undefined {
  if (method !== 'POST') {
    const message = `Expecting 'POST', received '${method}'`;
    return { status: 405, message, headers: { allow: 'POST' } };
  }
  const type = headers['content-type'];
  if (typeof type !== 'string' || type === '') {
    return { status: 400, message: "Expecting 'Content-Type' to be present" };
  }
  if (JSON_TYPE.test(type)) return undefined;
  const given = type.slice(0, MAX_ECHO);
  return {
    status: 415,
    message: `Expecting 'Content-Type' of application/json, received ${given}`,
  };
}

/** Absent, a wildcard or JSON will do (else 406). */
export function findAcceptRefusal(
  accept: string | readonly string[] | undefined,
): CallRefusal | undefined {
  const given = typeof accept === 'string' ? accept : (accept ?? []).join(',');
  if (given === '' || USABLE_ACCEPT.test(given)) return undefined;
  const received = given.slice(0, MAX_ECHO);
  return {
    status: 406,
    message: `Expecting 'Accept' to allow application/json, received ${received}`,
  };
}
