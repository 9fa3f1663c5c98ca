import { containsResources, type Resources } from '#core';

/** Refusals of one framework and role on one agent that count; older ones give way. */
const MAX_PER_PAIR = 8;

interface Refusal {
  readonly resources: Resources;
  readonly untilMonoMs: number;
  /** A master may make the refusals of those who refuse everything longer. */
  readonly mayLastUntilMonoMs: number;
}

/** What frameworks have refused of a master, as they may expect it to remember. */
export class Refusals {
  private readonly byClient = new Map<string, Map<string, Refusal[]>>();

  add(client: string, agent: string, refusal: Refusal): void {
    const ofClient = this.byClient.get(client) ?? new Map<string, Refusal[]>();
    this.byClient.set(client, ofClient);
    const kept = (ofClient.get(agent) ?? []).filter(
      (old) =>
        old.mayLastUntilMonoMs > refusal.mayLastUntilMonoMs ||
        old.untilMonoMs > refusal.untilMonoMs ||
        !containsResources(refusal.resources, old.resources),
    );
    ofClient.set(agent, [...kept, refusal].slice(-MAX_PER_PAIR));
  }

  /** Whether a refusal that stands at that moment covers all of it. */
  covers(
    client: string,
    agent: string,
    offer: { readonly resources: Resources; readonly monoMs: number },
  ): boolean {
    return this.some(client, agent, ({ resources, untilMonoMs }) => {
      return untilMonoMs > offer.monoMs && containsResources(resources, offer.resources);
    });
  }

  /** Whether one covers it that may stand then. */
  mayCover(
    client: string,
    agent: string,
    offer: { readonly resources: Resources; readonly monoMs: number },
  ): boolean {
    return this.some(client, agent, ({ resources, mayLastUntilMonoMs }) => {
      return mayLastUntilMonoMs > offer.monoMs && containsResources(resources, offer.resources);
    });
  }

  private some(client: string, agent: string, isIt: (refusal: Refusal) => boolean): boolean {
    return this.byClient.get(client)?.get(agent)?.some(isIt) === true;
  }

  forget(client: string): void {
    this.byClient.delete(client);
  }

  forgetAgent(agent: string): void {
    for (const ofClient of this.byClient.values()) ofClient.delete(agent);
  }
}
