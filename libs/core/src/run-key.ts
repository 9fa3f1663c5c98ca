import type { RunKey, TaskId } from './ids.js';

/**
 * Names one run of a task: what an agent calls the launch of one task of one framework. Task ids belong to their
 * framework, and a framework may use an ended one again, so neither of the two names what runs. Everything an agent keeps
 * of a run goes by this key: its record, folders, container, cgroup, marks, timers and updates.
 *
 * The key is a file name of at most {@link MAX_RUN_KEY_LENGTH} bytes whatever the id holds: a part of the id for people,
 * then what makes it unique. `unique` differs for each run of an agent, over restarts, and is of letters, digits and `-`.
 */
export const runKey = (task: TaskId | string, unique: string): RunKey =>
  `${task.replace(UNSAFE, '_').slice(0, READABLE_LENGTH)}.${unique}` as RunKey;

/** Runs accepted before there were keys: all they have is named by the task's id alone, and stays so until they end. */
export const runKeyOfTask = (task: TaskId | string): RunKey => task as string as RunKey;

/** A key read back: from a label, the environment of a process or a folder's name. */
export const readRunKey = (text: string): RunKey => text as RunKey;

/** The limit of what follows the readable part is its maker's. */
const READABLE_LENGTH = 100;
export const MAX_RUN_KEY_LENGTH = 200;
/** What is safe in a folder, a container's name and a cgroup; none of them begins with a dot. */
const UNSAFE = /[^A-Za-z0-9._-]|^[.-]/g;
