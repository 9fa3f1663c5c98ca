import type { App, PortDefinition, PortMapping } from '#core';
import { isHostNetworking } from './complete-app.js';

/** The range service ports are assigned from, both ends included. */
export interface PortRange {
  readonly min: number;
  readonly max: number;
}

/** Marathon's default, and ours. */
export const DEFAULT_SERVICE_PORTS: PortRange = { min: 10_000, max: 20_000 };

type WithPorts = Pick<App, 'networks' | 'portDefinitions' | 'container'>;

/** The service ports of an app in order: of its port definitions, or of its port mappings. 0: not assigned. */
export const servicePortsOf = (app: WithPorts): readonly number[] =>
  isHostNetworking(app.networks)
    ? app.portDefinitions.map((definition) => definition.port)
    : (app.container?.portMappings ?? []).map((mapping) => mapping.servicePort);

/**
 * Hands out service ports within one change: for each 0 the port the app had before at that place in line, else the
 * lowest that nobody uses. Owned by one change; ports it hands out count as used.
 */
export class ServicePortAssigner {
  private next: number;

  /** `used` holds the ports of the old and of the new declaration; it is added to. */
  constructor(
    private readonly range: PortRange,
    private readonly used: Set<number>,
  ) {
    this.next = range.min;
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
    while (this.next <= this.range.max && this.used.has(this.next)) this.next += 1;
    if (this.next > this.range.max) return undefined;
    this.used.add(this.next);
    return this.next;
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
