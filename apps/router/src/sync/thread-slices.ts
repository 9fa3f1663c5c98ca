/** Longest work without a rest, ms: what takes the router's one thread longer keeps changes waiting. */
const SLICE_MS = 2;

/** Work of many pieces, each a step of `work`, that lets others have the thread in between. Resolves with what it returns. */
export async function inSlices<Result>(work: Iterator<unknown, Result>): Promise<Result> {
  for (;;) {
    const startedMs = performance.now();
    while (performance.now() - startedMs < SLICE_MS) {
      const step = work.next();
      if (step.done === true) return step.value;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The same work at once. */
export function atOnce<Result>(work: Iterator<unknown, Result>): Result {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
}

/** Lines of a large text, one after the other: all at once would be as many strings. */
export function* linesOf(text: string): Generator<string, void> {
  for (let from = 0; from <= text.length; ) {
    const found = text.indexOf('\n', from);
    const to = found < 0 ? text.length : found;
    yield text.slice(from, to);
    from = to + 1;
  }
}
