/** Agents that came since the last tick. */
export interface Arrivals {
  registered: number;
  reregistered: number;
  tasks: number;
  /** Ids of the first few. */
  readonly named: string[];
}

export const createArrivals = (): Arrivals => ({
  registered: 0,
  reregistered: 0,
  tasks: 0,
  named: [],
});
