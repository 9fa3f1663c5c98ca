/**
 * What the UI knows of its connection, from two witnesses: the event stream and the latest request.
 *
 * | stream | latest request | shown as    | meaning                                              |
 * |--------|----------------|-------------|------------------------------------------------------|
 * | open   | any            | live        | changes show at once                                 |
 * | down   | answered       | polling     | changes show within the poll interval                |
 * | down   | not answered   | lost        | what is on the screen is old                         |
 * | never  | none yet       | connecting  | the page has just been opened                        |
 */
export interface Connection {
  readonly stream: 'connecting' | 'open' | 'down';
  readonly request: 'none' | 'answered' | 'unanswered';
  readonly lostSinceMs: number | undefined;
}

export type ConnectionEvent =
  | { readonly kind: 'streamOpened' }
  | { readonly kind: 'streamFailed' }
  | { readonly kind: 'answered' }
  | { readonly kind: 'unanswered' };

export type ConnectionLevel = 'connecting' | 'live' | 'polling' | 'lost';

export const NEW_CONNECTION: Connection = {
  stream: 'connecting',
  request: 'none',
  lostSinceMs: undefined,
};

export function reduceConnection(
  state: Connection,
  event: ConnectionEvent,
  nowMs: number,
): Connection {
  const next = applyEvent(state, event);
  if (next.stream === state.stream && next.request === state.request) {
    return state;
  }
  const isLost = connectionLevel(next) === 'lost';
  return { ...next, lostSinceMs: isLost ? (state.lostSinceMs ?? nowMs) : undefined };
}

export function connectionLevel(state: Connection): ConnectionLevel {
  if (state.stream === 'open') {
    return 'live';
  }
  if (state.request === 'unanswered') {
    return 'lost';
  }
  return state.stream === 'connecting' ? 'connecting' : 'polling';
}

function applyEvent(state: Connection, event: ConnectionEvent): Connection {
  switch (event.kind) {
    case 'streamOpened':
      return { ...state, stream: 'open', request: 'answered' };
    case 'streamFailed':
      return { ...state, stream: 'down' };
    case 'answered':
      return { ...state, request: 'answered' };
    case 'unanswered':
      return { ...state, request: 'unanswered' };
    default:
      return event satisfies never;
  }
}
