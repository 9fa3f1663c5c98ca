import type { ExecSession, RunKey } from '#core';
import type { SessionMarks } from './session-marks.js';

/** The sessions of one launcher that are open, by their marks. */
export class LiveSessions {
  private readonly live = new Map<
    RunKey,
    { readonly run: RunKey; readonly session: ExecSession }
  >();

  constructor(private readonly marks: SessionMarks) {}

  add(id: RunKey, run: RunKey, session: ExecSession): void {
    this.live.set(id, { run, session });
  }

  remove(id: RunKey): void {
    this.live.delete(id);
  }

  /** Ends those of a task that has ended, or all of them. */
  async endAll(run?: RunKey): Promise<void> {
    const concerned = [...this.live.values()].filter((one) => run === undefined || one.run === run);
    await Promise.all(concerned.map(async ({ session }) => await session.kill()));
  }

  /** Ends what earlier agents left. */
  async endLeft(): Promise<void> {
    await this.marks.endOthers(new Set(this.live.keys()));
  }
}
