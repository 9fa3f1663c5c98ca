/** What can keep an edge from being up to date; each is over on its own. */
export type ProblemCause =
  | 'ports'
  | 'event stream'
  | 'reading apps'
  | 'certificates'
  | 'reload'
  | 'HAProxy';

/** What is wrong now, by cause, so that the end of one problem does not hide another. */
export class Problems {
  private readonly open = new Map<ProblemCause, string>();

  note(cause: ProblemCause, error: unknown): void {
    this.open.set(cause, error instanceof Error ? error.message : String(error));
  }

  clear(cause: ProblemCause): void {
    this.open.delete(cause);
  }

  /** Each with its cause. */
  get list(): readonly { readonly cause: ProblemCause; readonly message: string }[] {
    return [...this.open].map(([cause, message]) => ({ cause, message }));
  }

  /** All of them in a line; undefined: none. */
  get text(): string | undefined {
    if (this.open.size === 0) return undefined;
    return [...this.open].map(([cause, message]) => `${cause}: ${message}`).join('; ');
  }
}
