import type { EdgeContents, EdgeModel } from './edge-model.js';

/** What a running HAProxy has that decides how far it can come without a reload. */
export interface RunningEdge extends Pick<EdgeContents, 'hosts'> {
  readonly backends: ReadonlySet<string>;
  /** Whether it runs with the structure of the wanted model; else a reload is to come. */
  readonly isSameStructure: boolean;
}

/**
 * The contents of `model` as far as `running` can have them now. While a reload is to come, a host whose next backend or
 * rule comes with it stays where it is: there is no moment in which it has no route. O(servers + hosts).
 */
export function contentsWithoutReload(model: EdgeModel, running: RunningEdge): EdgeContents {
  const { backends, isSameStructure } = running;
  const kept = isSameStructure ? [] : [...running.hosts];
  return {
    servers: new Map([...model.servers].filter(([backend]) => backends.has(backend))),
    hosts: new Map([...kept, ...model.hosts].filter(([, backend]) => backends.has(backend))),
  };
}
