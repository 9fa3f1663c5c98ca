import {
  addResources,
  containsResources,
  nameOfKey,
  noResources,
  type Resources,
  resourceKey,
  subtractResources,
  traitsOfKey,
} from '#core';
import {
  decodeResources,
  encodeResources,
  type OfferOperation,
  type TaskInfo,
  type WireResource,
} from '#mesos-v1';

/** What is reserved on the agents of a fake cluster, by agent and key; outlives tasks and engines. */
export class FakeReservations {
  private readonly amounts = new Map<string, Resources>();

  of(agentId: string): Resources {
    return this.amounts.get(agentId) ?? noResources;
  }

  /** Persistence ids of all volumes on an agent. */
  volumesOn(agentId: string): readonly string[] {
    return Object.keys(this.of(agentId).scalars).flatMap(
      (key) => traitsOfKey(key).volume?.id ?? [],
    );
  }

  apply(agentId: string, operation: OfferOperation): void {
    switch (operation.type) {
      case 'RESERVE':
        this.put(
          agentId,
          addResources(this.of(agentId), decodeResources(operation.reserve.resources)),
        );
        return;
      case 'UNRESERVE':
        this.take(agentId, decodeResources(operation.unreserve.resources));
        return;
      case 'CREATE':
        this.convert(agentId, operation.create.volumes, withoutVolume, (key) => key);
        return;
      case 'DESTROY':
        this.convert(agentId, operation.destroy.volumes, (key) => key, withoutVolume);
        return;
      default:
    }
  }

  /** Of a resource by name, what nobody can have who has not reserved it; in units. */
  amountOf(agentId: string, name: string): number {
    return sumOf(this.of(agentId), name);
  }

  /** As offered for a role: what no task of these holds. */
  offered(agentId: string, role: string, tasks: readonly TaskInfo[]): readonly WireResource[] {
    const held = tasks.reduce<Resources>(
      (sum, { resources }) => addResources(sum, reservedIn(resources)),
      noResources,
    );
    const free = subtractResources(this.of(agentId), held);
    const isFor = (key: string) => traitsOfKey(key).reservations.at(-1)?.role === role;
    const pick = <Value>(from: Readonly<Record<string, Value>>) =>
      Object.fromEntries(Object.entries(from).filter(([key]) => isFor(key)));
    return encodeResources(
      { scalars: pick(free.scalars), ranges: pick(free.ranges) },
      { isRefined: false },
    );
  }

  /** Whether a task takes only what is reserved. */
  covers(agentId: string, { resources }: TaskInfo): boolean {
    return containsResources(this.of(agentId), reservedIn(resources));
  }

  private convert(
    agentId: string,
    wire: readonly WireResource[],
    from: (key: string) => string,
    to: (key: string) => string,
  ): void {
    for (const [key, milli] of Object.entries(decodeResources(wire).scalars)) {
      this.take(agentId, { scalars: { [from(key)]: milli }, ranges: {} });
      this.put(
        agentId,
        addResources(this.of(agentId), { scalars: { [to(key)]: milli }, ranges: {} }),
      );
    }
  }

  private take(agentId: string, amount: Resources): void {
    this.put(agentId, subtractResources(this.of(agentId), amount));
  }

  private put(agentId: string, amount: Resources): void {
    this.amounts.set(agentId, amount);
  }
}

/** The part of a task's resources that is reserved. */
export function reservedIn(wire: readonly WireResource[]): Resources {
  return decodeResources(wire.filter(({ reservation }) => reservation !== undefined));
}

/** Units of a scalar, whatever its traits. */
const sumOf = ({ scalars }: Resources, name: string): number =>
  Object.entries(scalars)
    .filter(([key]) => nameOfKey(key) === name)
    .reduce((sum, [, milli]) => sum + milli / 1000, 0);

function withoutVolume(key: string): string {
  const { volume: _, ...traits } = traitsOfKey(key);
  return resourceKey(nameOfKey(key), traits);
}
