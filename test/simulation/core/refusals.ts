import { containsResources, type Resources } from '#core';

/** Refusals of one framework and role on one agent that count; older ones give way. */
const MAX_PER_PAIR = 8;

interface Refusal {
  readonly resources: Resources;
  readonly untilMonoMs: number;
}

/** What frameworks have refused of a master, as they may expect it to remember. */
export class Refusals {
  private readonly byClient = new Map<string, Map<string, Refusal[]>>();

  add(client: string, agent: string, refusal: Refusal): void {
    const ofClient = this.byClient.get(client) ?? new Map<string, Refusal[]>();
    this.byClient.set(client, ofClient);
    const kept = (ofClient.get(agent) ?? []).filter(
      (old) =>
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
    const refusals = this.byClient.get(client)?.get(agent);
    return (
      refusals?.some(
        ({ resources, untilMonoMs }) =>
          untilMonoMs > offer.monoMs && containsResources(resources, offer.resources),
      ) === true
    );
  }

  forget(client: string): void {
    this.byClient.delete(client);
  }

  forgetAgent(agent: string): void {
    for (const ofClient of this.byClient.values()) ofClient.delete(agent);
  }
}
