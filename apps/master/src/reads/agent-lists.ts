import { isListedAgent, type MasterAgent } from '#cluster';
import type { Amounts } from '../operator-api/legacy-views.js';
import { ALWAYS } from './document-cache.js';
import { KeptList } from './kept-list.js';
import { agentPart, isRecovering, text } from './parts.js';
import type { DocumentWriter, ReadContext } from './read-context.js';
import { agentWriter, together } from './touches.js';

/** Two lists of agents, with the texts around them: those that are registered, and those that are not back yet. */
export function agentLists(
  context: ReadContext,
  given: {
    readonly begin: string;
    readonly listed: (agent: MasterAgent, amounts: Amounts) => object;
    readonly between: string;
    readonly recovered: (agent: MasterAgent) => object;
    readonly end: string;
  },
): DocumentWriter {
  const { state } = context;
  const listed = new KeptList<MasterAgent>({
    items: state.agents.values(),
    part: agentPart(context, (agent, amounts) => JSON.stringify(given.listed(agent, amounts))),
    isListed: (agent) => isListedAgent(state, agent),
  });
  const recovered = new KeptList<MasterAgent>({
    items: state.agents.values(),
    part: agentPart(context, (agent) => JSON.stringify(given.recovered(agent))),
    isListed: (agent) => isRecovering(state, agent),
  });
  const [begin, between, end] = [text(given.begin), text(given.between), text(given.end)];
  return {
    ...together(agentWriter(state, listed), agentWriter(state, recovered)),
    walk: (cache) =>
      cache.place(begin, state, undefined) &&
      cache.placeList(listed.pieces, ALWAYS) &&
      cache.place(between, state, undefined) &&
      cache.placeList(recovered.pieces, ALWAYS) &&
      cache.place(end, state, undefined),
  };
}
