/** Listen ports of apps that another program on this host has taken. They are left out until they are free. */
export class OccupiedPorts {
  ports: ReadonlySet<number> = new Set();

  /** `isFree` tries to bind one. */
  constructor(private readonly isFree: (port: number) => Promise<boolean>) {}

  /** Tries the wanted ports but for those HAProxy itself holds. */
  async probe(wanted: readonly number[], held: ReadonlySet<number>): Promise<void> {
    this.ports = await this.takenOf(wanted.filter((port) => !held.has(port)));
  }

  /** Tries those again that were taken. */
  async retry(): Promise<void> {
    this.ports = await this.takenOf([...this.ports]);
  }

  private async takenOf(ports: readonly number[]): Promise<ReadonlySet<number>> {
    const taken = new Set<number>();
    for (const port of ports) if (!(await this.isFree(port))) taken.add(port);
    return taken;
  }
}
