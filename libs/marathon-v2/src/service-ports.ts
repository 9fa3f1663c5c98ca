import {
  type App,
  isHostNetworking,
  type PortDefinition,
  type PortMapping,
  type RootGroup,
  servicePortsOf,
} from '#core';

/** The range service ports are assigned from, both ends included. */
export interface PortRange {
  readonly min: number;
  readonly max: number;
}

/** Marathon's default, and ours. */
export const DEFAULT_SERVICE_PORTS: PortRange = { min: 10_000, max: 20_000 };

type WithPorts = Pick<App, 'networks' | 'portDefinitions' | 'container'>;

/**
 * Hands out service ports within one change: for each 0 the port the app had before at that place in line, else the
 * lowest that nobody uses. Owned by one change; ports it hands out count as used.
 */
export class ServicePortAssigner {
  private next: number;
  private readonly inUse: Iterator<number>;
  /** Not looked for before a port is to be handed out. */
  private nextInUse: number | undefined;

  /** `declared` are the ports in use, `taken` those that the change names itself; what is handed out is added there. */
  constructor(
    private readonly range: PortRange,
    declared: RootGroup['servicePorts'],
    private readonly taken: Set<number>,
  ) {
    this.next = range.min;
    this.inUse = declared.keysFrom(range.min);
  }

  /** The app with all its service ports set, or undefined when the range is exhausted. */
  assign<Definition extends WithPorts>(
    app: Definition,
    before: WithPorts | undefined,
  ): Definition | undefined {
    const wanted = servicePortsOf(app);
    if (!wanted.includes(0)) return app;
    const explicit = new Set(wanted);
    const earlier = before === undefined ? [] : servicePortsOf(before);
    const kept = earlier.filter((port) => port !== 0 && !explicit.has(port));
    const ports: number[] = [];
    for (const port of wanted) {
      const assigned = port === 0 ? (kept.shift() ?? this.take()) : port;
      if (assigned === undefined) return undefined;
      ports.push(assigned);
    }
    return withServicePorts(app, ports);
  }

  private take(): number | undefined {
    this.nextInUse ??= this.following();
    for (; this.next <= this.range.max; this.next += 1) {
      if (this.nextInUse === this.next) this.nextInUse = this.following();
      else if (!this.taken.has(this.next)) {
        this.taken.add(this.next);
        return this.next;
      }
    }
    return undefined;
  }

  private following(): number {
    const { done, value } = this.inUse.next();
    return done === true ? Number.POSITIVE_INFINITY : value;
  }
}

function withServicePorts<Definition extends WithPorts>(
  app: Definition,
  ports: readonly number[],
): Definition {
  if (isHostNetworking(app.networks)) {
    const portDefinitions = app.portDefinitions.map(
      (definition, index): PortDefinition => ({ ...definition, port: ports[index] ?? 0 }),
    );
    return { ...app, portDefinitions };
  }
  if (app.container?.portMappings === undefined) return app;
  const portMappings = app.container.portMappings.map(
    (mapping, index): PortMapping => ({ ...mapping, servicePort: ports[index] ?? 0 }),
  );
  return { ...app, container: { ...app.container, portMappings } };
}
