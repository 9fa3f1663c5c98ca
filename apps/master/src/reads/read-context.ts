import type { MasterState, MasterTouches } from '#cluster';
import type { Budget } from './budget.js';
import type { DocumentCache } from './document-cache.js';
import type { Holdings } from './holdings.js';

/** What documents are written from. One for each time this process leads. */
export interface ReadContext {
  readonly state: MasterState;
  readonly holdings: Holdings;
  readonly apiVersion: string;
  /** Frameworks whose tasks take up to so many bytes are one piece of a document; default 16 KiB. */
  readonly wholeBytes?: number;
  /** What the process was started with. */
  readonly flags?: Readonly<Record<string, string>>;
}

/** Places a document's pieces in order; false when the budget was spent before the end. */
export type Walk = (cache: DocumentCache) => boolean;

/** Writes one document again and again. What it keeps between walks is its own. */
export interface DocumentWriter {
  readonly walk: Walk;
  /** What was touched may have changed, come or gone; also what its tasks, executors and offers hold. */
  readonly touch: (touches: MasterTouches) => void;
  /** Writes what was touched; false when the budget was spent before the end. The walk comes after it. */
  readonly drain: (budget: Budget) => boolean;
}

export type Document = (context: ReadContext) => DocumentWriter;
