import { agentId, offerId, type Placement } from '#core';
import type { MatchableOffer, ResourcePool } from '#matcher';
import {
  fromWireResources,
  type WireAttribute,
  type WireOffer,
  type WireResource,
} from '#mesos-v1';
import { DEPARTURE_LEAD_MS } from './agent-departures.js';
import { isDynamic, toOfferedReservations } from './reservations.js';

/** Agents say with this attribute whether they can run Docker images: `true` or `false`. Others do not say. */
const DOCKER_ATTRIBUTE = 'docker';
const NANOS_PER_MS = 1_000_000;

/**
 * Reads an offer once; attributes as text, resources by the role they are reserved for. Without a time, maintenance
 * windows are not looked at.
 */
export function toMatchableOffer(
  wire: WireOffer,
  nowEpochMs = Number.NEGATIVE_INFINITY,
): MatchableOffer {
  const attributes = toAttributes(wire.attributes);
  const docker = attributes[DOCKER_ATTRIBUTE];
  const fault = wire.domain?.fault_domain;
  const reservations = toOfferedReservations(wire.resources);
  return {
    id: offerId(wire.id.value),
    agentId: agentId(wire.agent_id.value),
    hostname: wire.hostname,
    attributes,
    ...(fault === undefined ? {} : { region: fault.region.name, zone: fault.zone.name }),
    ...(wire.allocation_info === undefined ? {} : { allocatedRole: wire.allocation_info.role }),
    pools: toPools(wire.resources),
    ...(reservations.length === 0 ? {} : { reservations }),
    ...(docker === 'true' || docker === 'false' ? { hasDocker: docker === 'true' } : {}),
    ...(isInMaintenance(wire, nowEpochMs) ? { isInMaintenance: true } : {}),
  };
}

/** What would have to leave at once is not launched. A window without a duration has no end. */
function isInMaintenance({ unavailability }: WireOffer, nowEpochMs: number): boolean {
  if (unavailability === undefined) return false;
  const startMs = unavailability.start.nanoseconds / NANOS_PER_MS;
  const lengthMs = (unavailability.duration?.nanoseconds ?? Infinity) / NANOS_PER_MS;
  return nowEpochMs >= startMs - DEPARTURE_LEAD_MS && nowEpochMs < startMs + lengthMs;
}

/** Where an instance launched from this offer will be. */
export function toPlacement(wire: WireOffer, offer: MatchableOffer): Placement {
  const { url } = wire;
  const host = url === undefined ? undefined : hostOf(url);
  return {
    agentId: offer.agentId,
    hostname: offer.hostname,
    attributes: offer.attributes,
    ...(url === undefined || host === undefined
      ? {}
      : { agentUrl: `${url.scheme}://${bracketed(host)}:${url.address.port}` }),
    ...(offer.region === undefined ? {} : { region: offer.region }),
    ...(offer.zone === undefined ? {} : { zone: offer.zone }),
  };
}

/** Certificates are made for names rather than addresses; without one, nothing needs to resolve a name. */
function hostOf({ scheme, address }: NonNullable<WireOffer['url']>): string | undefined {
  const { hostname, ip } = address;
  const isName = hostname !== undefined && !/^[\d.]+$|:/.test(hostname);
  return scheme === 'https' && isName ? hostname : (ip ?? hostname);
}

const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host);

function toPools(wire: readonly WireResource[]): readonly ResourcePool[] {
  const byRole = new Map<string, WireResource[]>();
  for (const entry of wire) {
    const role = entry.role ?? '*';
    // Dynamic reservations and volumes are for those that made them. What is static has its role alone.
    if (isDynamic(entry) || entry.disk?.persistence !== undefined || entry.revocable !== undefined)
      continue;
    const list = byRole.get(role);
    if (list === undefined) byRole.set(role, [entry]);
    else list.push(entry);
  }
  return [...byRole].map(([role, entries]) => ({ role, resources: fromWireResources(entries) }));
}

function toAttributes(wire: readonly WireAttribute[]): Readonly<Record<string, string>> {
  return Object.fromEntries(wire.map((attribute) => [attribute.name, toText(attribute)]));
}

/** Scalars with at most three decimals, sets sorted `{a,b}`, ranges `[1-2]`. */
function toText(attribute: WireAttribute): string {
  switch (attribute.type) {
    case 'TEXT':
      return attribute.text?.value ?? '';
    case 'SCALAR':
      return String(Math.round((attribute.scalar?.value ?? 0) * 1000) / 1000);
    case 'SET':
      return `{${[...(attribute.set?.item ?? [])].sort().join(',')}}`;
    case 'RANGES': {
      const ranges = attribute.ranges?.range ?? [];
      return `[${ranges.map(({ begin, end }) => `${begin}-${end}`).join(',')}]`;
    }
    default:
      return attribute.type satisfies never;
  }
}
