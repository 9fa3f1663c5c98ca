import type { MasterState, MasterTouches } from '#cluster';
import { Budget } from './budget.js';
import { DocumentCache } from './document-cache.js';
import { Holdings } from './holdings.js';
import type { Document, DocumentWriter, ReadContext } from './read-context.js';

/** A document as it was at one moment. Its bytes are shared by all who read it and never changed. */
export interface Body {
  readonly chunks: readonly Buffer[];
  readonly byteLength: number;
  /** Tells two contents of one document apart, for an ETag. */
  readonly version: string;
}

/** What documents are made of, and when. */
export interface ReadSource {
  /** Throws when this master cannot answer. Equal revisions of one state are equal contents. */
  current(): {
    readonly state: MasterState;
    readonly revision: number;
    /** From now on the follower is told of all that events touch. */
    readonly follow: (follower: (touches: MasterTouches) => void) => void;
  };
  readonly apiVersion: string;
  readonly flags?: Readonly<Record<string, string>>;
}

/** Time for writing before others run. */
const SLICE_MS = 3;
/** After so many slices whatever is still to be written is written in one go: readers must not wait for ever. */
const MAX_SLICES = 1_000;
/** After a slice this many times its length passes before the next while there is other work: a first writing takes seconds. */
const SLICE_REST_FACTOR = 2;
/** After a building this many times its last slice passes before the next: while all changes, readers take an eighth. */
const REST_FACTOR = 7;
/** Longest chunk of a body: what a connection is given at once. */
const CHUNK_BYTES = 64 * 1024;
/** A document nobody read for this long is forgotten. */
const IDLE_MS = 60_000;

/**
 * Documents for many readers: what changed since the last one is written anew, in slices between which everything else
 * goes on; the last slice finds nothing more to write, so that a document shows one moment, and that moment is after the
 * request came. All who wait for a document share one building of it and its bytes; none is built while nothing changed.
 */
export class ReadModel {
  private readonly shared = new Map<Document, SharedDocument>();
  private following: { readonly state: MasterState; readonly holdings: Holdings } | undefined;

  constructor(private readonly source: ReadSource) {}

  read(document: Document): Promise<Body> {
    return new Promise((resolve, reject) => {
      this.readAtOnce(document, resolve, reject);
    });
  }

  /** As {@link read}, but `onBody` runs in the turn whose moment the document shows. */
  readAtOnce(
    document: Document,
    onBody: (body: Body) => void,
    onError: (error: unknown) => void,
  ): void {
    let shared = this.shared.get(document);
    if (shared === undefined) {
      shared = new SharedDocument(
        document,
        () => this.context(),
        () => {
          this.shared.delete(document);
        },
      );
      this.shared.set(document, shared);
    }
    shared.read({ onBody, onError });
  }

  /** What tasks and offers hold; for other reads than documents. */
  context(): ReadContext & { readonly revision: number } {
    const { state, revision, follow } = this.source.current();
    if (this.following?.state !== state) {
      const tell = (touches: MasterTouches): void => {
        for (const shared of this.shared.values()) shared.touch(state, touches);
      };
      const holdings = new Holdings(state, tell);
      this.following = { state, holdings };
      follow((touches) => {
        for (const task of touches.tasks) holdings.touch(task);
        tell(touches);
      });
    }
    const { apiVersion, flags = {} } = this.source;
    return { state, revision, holdings: this.following.holdings, apiVersion, flags };
  }

  close(): void {
    for (const shared of this.shared.values()) shared.close();
    this.shared.clear();
  }
}

interface Reader {
  readonly onBody: (body: Body) => void;
  readonly onError: (error: unknown) => void;
}

/** One document and those who wait for it. */
class SharedDocument {
  private readers: Reader[] = [];
  private built: { readonly body: Body; readonly revision: number } | undefined;
  private pass:
    | {
        readonly state: MasterState;
        readonly cache: DocumentCache;
        readonly writer: DocumentWriter;
      }
    | undefined;
  private passNumber = 0;
  private isBuilding = false;
  private restUntilMs = 0;
  private revisionSeen = 0;
  /** Whether something was done between the last two slices. */
  private hasOtherWork = false;
  private idle: NodeJS.Timeout | undefined;

  constructor(
    private readonly document: Document,
    private readonly context: () => ReadContext & { readonly revision: number },
    private readonly onIdle: () => void,
  ) {}

  read(reader: Reader): void {
    this.stayAwake();
    try {
      const { state, revision } = this.context();
      if (this.built?.revision === revision && this.pass?.state === state) {
        reader.onBody(this.built.body);
        return;
      }
    } catch (error) {
      reader.onError(error);
      return;
    }
    this.readers.push(reader);
    if (this.isBuilding) return;
    this.isBuilding = true;
    this.next(0, this.restUntilMs - performance.now());
  }

  touch(state: MasterState, touches: MasterTouches): void {
    if (this.pass?.state === state) this.pass.writer.touch(touches);
  }

  close(): void {
    clearTimeout(this.idle);
  }

  private stayAwake(): void {
    if (this.idle === undefined) {
      this.idle = setTimeout(() => {
        this.idle = undefined;
        if (!this.isBuilding) this.onIdle();
      }, IDLE_MS);
      this.idle.unref();
    } else this.idle.refresh();
  }

  /** One slice after the others had their turn, and after the rest that what was written before has earned them. */
  private next(slice: number, restMs: number): void {
    if (restMs > 1) setTimeout(() => this.build(slice), restMs);
    else setImmediate(() => this.build(slice));
  }

  private build(slice: number): void {
    const beganMs = performance.now();
    let body: Body | undefined;
    try {
      body = this.buildSlice(slice);
    } catch (error) {
      this.settle((reader) => reader.onError(error));
      return;
    }
    const nowMs = performance.now();
    const sliceMs = nowMs - beganMs;
    this.restUntilMs = nowMs + sliceMs * REST_FACTOR;
    if (body === undefined) {
      this.next(slice + 1, this.hasOtherWork ? sliceMs * SLICE_REST_FACTOR : 0);
    } else this.settle((reader) => reader.onBody(body));
  }

  private buildSlice(slice: number): Body | undefined {
    const context = this.context();
    this.hasOtherWork = context.revision !== this.revisionSeen;
    this.revisionSeen = context.revision;
    const { cache, writer } = this.passFor(context);
    const limitMs = slice < MAX_SLICES ? SLICE_MS : Number.POSITIVE_INFINITY;
    const budget = new Budget(limitMs, clock);
    if (!context.holdings.drain(budget) || !writer.drain(budget)) return undefined;
    cache.begin(budget);
    if (!writer.walk(cache)) return undefined;
    cache.end();
    const version = `${this.passNumber}-${cache.generation}`;
    const { built } = this;
    const body = built?.body.version === version ? built.body : toBody(cache, version);
    this.built = { body, revision: context.revision };
    return body;
  }

  private passFor(context: ReadContext): {
    readonly cache: DocumentCache;
    readonly writer: DocumentWriter;
  } {
    if (this.pass?.state !== context.state) {
      this.pass = {
        state: context.state,
        cache: new DocumentCache(),
        writer: this.document(context),
      };
      passes += 1;
      this.passNumber = passes;
    }
    return this.pass;
  }

  private settle(tell: (reader: Reader) => void): void {
    const { readers } = this;
    this.readers = [];
    this.isBuilding = false;
    for (const reader of readers) tell(reader);
  }
}

/** Caches made by this process: generations count from one in each. */
let passes = 0;

const clock = (): number => performance.now();

function toBody(cache: DocumentCache, version: string): Body {
  const chunks = cache.buffers.flatMap(cut);
  return { chunks, version, byteLength: chunks.reduce((sum, { length }) => sum + length, 0) };
}

/** Views of the same bytes. */
function cut(buffer: Buffer): readonly Buffer[] {
  if (buffer.length <= CHUNK_BYTES) return [buffer];
  const chunks: Buffer[] = [];
  for (let start = 0; start < buffer.length; start += CHUNK_BYTES) {
    chunks.push(buffer.subarray(start, start + CHUNK_BYTES));
  }
  return chunks;
}
