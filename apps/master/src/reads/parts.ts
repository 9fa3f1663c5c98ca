import {
  executorKey,
  type MasterAgent,
  type MasterCompletedFramework,
  type MasterExecutor,
  type MasterFramework,
  type MasterOffer,
  type MasterState,
} from '#cluster';
import type { Amounts } from '../operator-api/legacy-views.js';
import type { Part } from './document-cache.js';
import type { KeptPart } from './kept-list.js';
import type { ReadContext } from './read-context.js';

/**
 * Pieces of documents by what they are of, each with all that its text depends on and that may change. The values that
 * are compared by identity (infos, amounts, statuses) are never changed in place.
 */

/** Something small: written on each walk, and compared. */
export const fresh = <Item>(render: (item: Item) => string): Part<Item, unknown, string> => ({
  look: render,
  isCurrent: (seen, item) => seen === render(item),
  render,
  belongs: () => true,
});

/** Something that never changes while it is there. */
export const fixed = <Item, Owner>(
  render: (item: Item, owner: Owner) => string,
  belongs: (item: Item, owner: Owner) => boolean,
): Part<Item, Owner> => ({ look: () => undefined, isCurrent: () => true, render, belongs });

/** A text that stands once in the document. */
export const text = (constant: string): Part<unknown, unknown> =>
  fixed(
    () => constant,
    () => true,
  );

/** The text of an object, not empty, that further fields follow. */
export const openObject = (value: object): string => `${JSON.stringify(value).slice(0, -1)},`;

export const completedFrameworkPart = (
  { state }: ReadContext,
  render: (framework: MasterCompletedFramework) => string,
): Part<MasterCompletedFramework, unknown> =>
  fixed(render, (framework) => state.completedFrameworks.get(framework.id) === framework);

export const executorPart = (
  { state }: ReadContext,
  render: (executor: MasterExecutor) => string,
): Part<MasterExecutor, unknown> =>
  fixed(render, (executor) => {
    const key = executorKey(executor.frameworkId, executor.id);
    return state.agents.get(executor.agentId)?.executors.get(key) === executor;
  });

export const offerPart = (
  context: ReadContext,
  render: (offer: MasterOffer) => string,
): Part<MasterOffer, MasterFramework> =>
  fixed(render, (offer, framework) => isKnown(context, framework) && framework.offers.has(offer));

interface SeenAgent extends Amounts {
  readonly info: object;
  readonly total: object;
  readonly condition: string;
  readonly version: string;
  readonly activation: object | undefined;
  readonly reregisteredEpochMs: number | undefined;
}

export const agentPart = (
  context: ReadContext,
  render: (agent: MasterAgent, amounts: Amounts) => string,
): KeptPart<MasterAgent, SeenAgent> => ({
  look: (agent) => ({
    ...amountsOfAgent(context, agent),
    info: agent.info,
    total: agent.total,
    condition: agent.condition,
    version: agent.version,
    activation: agent.activation,
    reregisteredEpochMs: agent.reregisteredEpochMs,
  }),
  isCurrent: (seen, agent) =>
    seen.info === agent.info &&
    seen.total === agent.total &&
    seen.condition === agent.condition &&
    seen.version === agent.version &&
    seen.activation === agent.activation &&
    seen.reregisteredEpochMs === agent.reregisteredEpochMs &&
    isSameAmounts(seen, amountsOfAgent(context, agent)),
  render: (agent) => render(agent, amountsOfAgent(context, agent)),
});

interface SeenFramework extends Amounts {
  readonly info: object;
  readonly roles: readonly string[];
  readonly isConnected: boolean;
  readonly isRecovered: boolean;
  readonly reregisteredEpochMs: number | undefined;
}

export const frameworkPart = (
  context: ReadContext,
  render: (framework: MasterFramework, amounts: Amounts) => string,
): Part<MasterFramework, unknown, SeenFramework> => ({
  look: (framework) => ({
    ...amountsOfFramework(context, framework),
    info: framework.info,
    roles: framework.roles,
    isConnected: framework.streamId !== undefined,
    isRecovered: framework.isRecovered,
    reregisteredEpochMs: framework.reregisteredEpochMs,
  }),
  isCurrent: (seen, framework) =>
    seen.info === framework.info &&
    seen.roles === framework.roles &&
    seen.isConnected === (framework.streamId !== undefined) &&
    seen.isRecovered === framework.isRecovered &&
    seen.reregisteredEpochMs === framework.reregisteredEpochMs &&
    isSameAmounts(seen, amountsOfFramework(context, framework)),
  render: (framework) => render(framework, amountsOfFramework(context, framework)),
  belongs: (framework) => isKnown(context, framework),
});

/** A text that stands once in each framework's piece of the document. */
export const frameworkLiteral = (
  context: ReadContext,
  text: string,
): Part<MasterFramework, unknown> =>
  fixed(
    () => text,
    (framework) => isKnown(context, framework),
  );

/** The text of offers, commas between them. An offer never changes, and is written once. */
export function offerTexts(
  render: (offer: MasterOffer) => object,
): (offers: Iterable<MasterOffer>) => string {
  const texts = new WeakMap<MasterOffer, string>();
  const textOf = (offer: MasterOffer): string => {
    const known = texts.get(offer) ?? JSON.stringify(render(offer));
    texts.set(offer, known);
    return known;
  };
  return (offers) => Array.from(offers, textOf).join();
}

/** Known from the registry, and not back yet. */
export const isRecovering = ({ agents }: MasterState, agent: MasterAgent): boolean =>
  agent.condition === 'recovering' && agents.get(agent.id) === agent;

export const isKnown = ({ state }: ReadContext, framework: MasterFramework): boolean =>
  state.frameworks.get(framework.id) === framework;

export const amountsOfAgent = ({ holdings }: ReadContext, agent: MasterAgent): Amounts => ({
  used: holdings.usedOn(agent),
  offered: holdings.offeredOf(agent),
});

export const amountsOfFramework = (
  { holdings }: ReadContext,
  framework: MasterFramework,
): Amounts => ({ used: holdings.usedBy(framework), offered: holdings.offeredOf(framework) });

const isSameAmounts = (seen: Amounts, now: Amounts): boolean =>
  seen.used === now.used && seen.offered === now.offered;
