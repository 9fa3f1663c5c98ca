import type { Place } from './runner-task.js';

/** A task that may run, as its runner knows it. */
export interface LiveTask {
  readonly place: Place;
  isKilling: boolean;
  /** The ACCEPT has left: the master knows of it, or answers. */
  isSent: boolean;
  /** Its end is being told; the name may be used again. */
  isEnding: boolean;
  /** Statuses are told one after the other. */
  telling: Promise<void>;
  cancelUnreachable: (() => void) | undefined;
}

export const newTask = (place: Place): LiveTask => ({
  place,
  isKilling: false,
  isSent: false,
  isEnding: false,
  telling: Promise.resolve(),
  cancelUnreachable: undefined,
});

/** How the master is asked about it. */
export const toQuestion = ({ place }: LiveTask) => ({
  taskId: place.taskId,
  agentId: place.agentId,
});
