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

/** Ports that are not handed out. */
export interface OtherPorts {
  /** Those in use. */
  readonly declared: RootGroup['servicePorts'];
  /** Those that the change itself names. */
  readonly named: Iterable<number>;
  /** Those no app may have, or one asks the edge for. */
  readonly isBarred: (port: number) => boolean;
}

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

  private readonly taken: Set<number>;

  constructor(
    private readonly range: PortRange,
    private readonly others: OtherPorts,
  ) {
    this.next = range.min;
    this.taken = new Set(others.named);
    this.inUse = others.declared.keysFrom(range.min);
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
      else if (!this.taken.has(this.next) && !this.others.isBarred(this.next)) {
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

const PORT_LABEL = /^HAPROXY_\d+_PORT$/;
const PORT_NUMBER = /^\s*(\d{1,5})\s*$/;

/** The ports that labels ask the edge to listen on. */
export const labelPortsOf = ({ labels }: Pick<App, 'labels'>): readonly number[] =>
  Object.entries(labels).flatMap(([name, value]) => {
    const [, port] = (PORT_LABEL.test(name) && PORT_NUMBER.exec(value)) || [];
    return port === undefined ? [] : [Number(port)];
  });

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
