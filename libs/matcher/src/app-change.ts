import { type App, addResources, type Constraint, fromMilli, resources } from '#core';
import type { ScalarName } from './find-refusals.js';
import type { MatchableOffer } from './offer.js';

/** One change that may give a waiting instance its place: of the app, or (`port-freed`) of an agent. */
export type AppChange =
  | {
      readonly kind: 'resource';
      readonly name: ScalarName;
      readonly fromMilli: number;
      readonly toMilli: number;
    }
  | { readonly kind: 'constraint-dropped'; readonly constraint: Constraint }
  | {
      readonly kind: 'constraint-relaxed';
      readonly constraint: Constraint;
      readonly to: Constraint;
    }
  | {
      readonly kind: 'accepted-roles';
      readonly from: readonly string[];
      readonly to: readonly string[];
    }
  | { readonly kind: 'role'; readonly from: string; readonly to: string }
  | { readonly kind: 'ports-not-required' }
  | { readonly kind: 'any-host-port'; readonly port: number }
  | { readonly kind: 'instances'; readonly from: number; readonly to: number }
  | {
      readonly kind: 'port-freed';
      readonly port: number;
      readonly hostname: string;
      readonly holder: string;
    };

/** The app with the changes made; its versions stay, so what runs counts for constraints as it did. */
export const changeApp = (app: App, changes: readonly AppChange[]): App =>
  changes.reduce(changeOne, app);

function changeOne(app: App, change: AppChange): App {
  switch (change.kind) {
    case 'resource':
      return { ...app, [change.name]: fromMilli(change.toMilli) };
    case 'constraint-dropped':
      return { ...app, constraints: app.constraints.filter(isOther(change.constraint)) };
    case 'constraint-relaxed': {
      const isKept = isOther(change.constraint);
      const constraints = app.constraints.map((one) => (isKept(one) ? one : change.to));
      return { ...app, constraints };
    }
    case 'accepted-roles':
      return { ...app, acceptedResourceRoles: change.to };
    case 'role':
      return { ...app, role: change.to };
    case 'ports-not-required':
      return { ...app, requirePorts: false };
    case 'any-host-port':
      return openHostPort(app, change.port);
    case 'instances':
      return { ...app, instances: change.to };
    case 'port-freed':
      return app;
    default:
      return change satisfies never;
  }
}

const isOther =
  (constraint: Constraint) =>
  (one: Constraint): boolean =>
    one.join('\0') !== constraint.join('\0');

function openHostPort(app: App, port: number): App {
  const { container, pod } = app;
  const open = <Port extends { readonly hostPort?: number }>(one: Port): Port =>
    one.hostPort === port ? { ...one, hostPort: 0 } : one;
  if (pod !== undefined) {
    const containers = pod.containers.map((one) => ({
      ...one,
      endpoints: one.endpoints.map(open),
    }));
    return { ...app, pod: { ...pod, containers } };
  }
  if (container?.portMappings === undefined) return app;
  const portMappings = container.portMappings.map(open);
  return { ...app, container: { ...container, portMappings } };
}

/** The offer once ports are given back: they join its unreserved resources. */
export function changeOffer(offer: MatchableOffer, changes: readonly AppChange[]): MatchableOffer {
  const ports = changes.flatMap((change) =>
    change.kind === 'port-freed' ? [{ begin: change.port, end: change.port }] : [],
  );
  if (ports.length === 0) return offer;
  const freed = resources({ ports });
  const [first, ...rest] = [...offer.pools].sort(
    (left, right) => Number(right.role === '*') - Number(left.role === '*'),
  );
  if (first === undefined) return { ...offer, pools: [{ role: '*', resources: freed }] };
  const pool = { role: first.role, resources: addResources(first.resources, freed) };
  return { ...offer, pools: [pool, ...rest] };
}

/** `cpus 2 -> 1.5`. */
export function describeChange(change: AppChange): string {
  switch (change.kind) {
    case 'resource':
      return `${change.name} ${fromMilli(change.fromMilli)} -> ${fromMilli(change.toMilli)}`;
    case 'constraint-dropped':
      return `drop the constraint ${change.constraint.join(' ')}`;
    case 'constraint-relaxed':
      return `constraint ${change.constraint.join(' ')} -> ${change.to.join(' ')}`;
    case 'accepted-roles':
      return `acceptedResourceRoles ${change.from.join(', ')} -> ${change.to.join(', ')}`;
    case 'role':
      return `role ${change.from} -> ${change.to}`;
    case 'ports-not-required':
      return 'requirePorts true -> false';
    case 'any-host-port':
      return `host port ${change.port} -> 0 (any)`;
    case 'instances':
      return `instances ${change.from} -> ${change.to}`;
    case 'port-freed':
      return `free port ${change.port} on ${change.hostname}, which ${change.holder} has`;
    default:
      return change satisfies never;
  }
}
