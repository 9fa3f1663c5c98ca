import type { MasterState } from '#cluster';
import type { DocumentCache } from './document-cache.js';
import type { Holdings } from './holdings.js';

/** What documents are written from. One for each time this process leads. */
export interface ReadContext {
  readonly state: MasterState;
  readonly holdings: Holdings;
  readonly apiVersion: string;
  /** What the process was started with. */
  readonly flags?: Readonly<Record<string, string>>;
}

/** A document: places its pieces in order; false when the walk was given up. */
export type Walk = (cache: DocumentCache) => boolean;

/** Makes a document's walk; what it keeps between walks is its own. */
export type Document = (context: ReadContext) => Walk;
