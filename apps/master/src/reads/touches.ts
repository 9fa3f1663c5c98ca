import type { MasterAgent, MasterFramework, MasterState } from '#cluster';
import type { KeptList } from './kept-list.js';
import type { DocumentWriter } from './read-context.js';

/** From what was touched to what is written again. */

type Writer = Omit<DocumentWriter, 'walk'>;

/** Writers of one document, each after those it is made of. */
export const together = (...writers: readonly Writer[]): Writer => ({
  touch: (touches) => {
    for (const writer of writers) writer.touch(touches);
  },
  drain: (budget) => writers.every((writer) => writer.drain(budget)),
});

/** A list of agents; those whose tasks were touched are touched. */
export const agentWriter = (state: MasterState, list: KeptList<MasterAgent>): Writer => ({
  touch: ({ agents, tasks }) => {
    for (const agent of agents) list.touch(agent);
    for (const { agentId } of tasks) touchKnown(list, state.agents.get(agentId));
  },
  drain: (budget) => list.drain(budget),
});

/** A list of frameworks; those whose tasks were touched are touched. */
export const frameworkWriter = (state: MasterState, list: KeptList<MasterFramework>): Writer => ({
  touch: ({ frameworks, tasks }) => {
    for (const framework of frameworks) list.touch(framework);
    for (const { frameworkId } of tasks) touchKnown(list, state.frameworks.get(frameworkId));
  },
  drain: (budget) => list.drain(budget),
});

function touchKnown<Item extends { readonly id: string }>(
  list: KeptList<Item>,
  item: Item | undefined,
): void {
  if (item !== undefined) list.touch(item);
}
