/** How the processes of sessions are recognised: by two variables, which everything they start inherits. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type RunKey, readRunKey } from '#core';
import type { KnownSessions } from './known-sessions.js';
import { createProcessScanner, signalProcess } from './process-table.js';
import { SCOPE_VARIABLE } from './supervisor-script.js';
import { emptyTask } from './task-processes.js';

const SESSION_VARIABLE = 'PACER_EXEC';

const MARKS = { run: SESSION_VARIABLE, earlierRun: SESSION_VARIABLE, scope: SCOPE_VARIABLE };
/** A process that is started while we look is found in the next pass. */
const MAX_PASSES = 10;
/** A process shows no variables while it becomes another program, so nothing counts as found only when it is so twice. */
const SECOND_LOOK_MS = 10;

/** The sessions of one launcher, told from those of others on the host. */
export interface SessionMarks {
  newId(): RunKey;
  variables(id: RunKey): Readonly<Record<string, string>>;
  /** SIGKILLs until no process has the mark; false if one still does after ten seconds. */
  end(id: RunKey): Promise<boolean>;
  /** Ends what earlier agents left of sessions; looks for it once. */
  endOthers(live: ReadonlySet<RunKey>): Promise<void>;
}

export function createSessionMarks(
  kind: 'process' | 'docker',
  scope: string,
  known: KnownSessions,
): SessionMarks {
  const prefix = `exec-${kind}-`;
  const scan = createProcessScanner(MARKS, known);
  let hasLooked = false;
  return {
    newId: () => readRunKey(`${prefix}${randomUUID()}`),
    variables: (id) => ({ [SESSION_VARIABLE]: id, [SCOPE_VARIABLE]: scope }),
    end: async (id) => {
      const traces = { run: id, scope, hierarchies: [], scan };
      if (!(await emptyTask(traces))) return false;
      await sleep(SECOND_LOOK_MS);
      return await emptyTask(traces);
    },
    endOthers: async (live) => {
      if (hasLooked) return;
      hasLooked = true;
      let wasEmpty = false;
      for (let pass = 0; pass < MAX_PASSES; pass += 1) {
        const marked = [...(await scan()).byMark.values()].flat();
        const left = marked.filter(
          (one) => one.scope === scope && one.run.startsWith(prefix) && !live.has(one.run),
        );
        if (left.length === 0 && wasEmpty) return;
        wasEmpty = left.length === 0;
        if (wasEmpty) await sleep(SECOND_LOOK_MS);
        for (const { pid } of left) signalProcess(pid, 'SIGKILL');
      }
    },
  };
}
