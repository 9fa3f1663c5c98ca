import { type FrameworkId, present, type Resources, type RoleName } from '#core';
import type { DeclineStreak } from './decline-backoff.js';
import type { RefusalReason } from './explanation.js';
import type { CompiledConstraints } from './offer-constraints.js';
import type { Quantities } from './quantities.js';
import { topLevelRole } from './quota-ledger.js';
import { RefusalCounts } from './refusal-counts.js';
import type { ShareNode } from './share-node.js';
import type { FrameworkTraits } from './traits.js';

/** A framework in one of its roles: what is suppressed, filtered and sorted. */
export interface Client {
  readonly frameworkId: FrameworkId;
  readonly role: RoleName;
  readonly topRole: RoleName;
  readonly framework: FrameworkEntry;
  node: ShareNode<Client> | undefined;
  audience: Audience;
  /** False for a role it has left and still has tasks in. */
  isSubscribed: boolean;
  isSuppressed: boolean;
  /** Active, subscribed, not suppressed: visited by rounds. */
  isVisited: boolean;
  /** What one task needs, as it asked; any of these. */
  asked: readonly Quantities[];
  readonly streak: DeclineStreak;
  readonly filteredCounts: RefusalCounts;
}

export interface FrameworkEntry {
  readonly id: FrameworkId;
  readonly clients: Map<RoleName, Client>;
  capabilities: ReadonlySet<string>;
  isActive: boolean;
}

/**
 * Clients of one role that see the same of every agent: same capabilities, minimum and constraints. So what an agent
 * has for them is worked out once per look, not once per client.
 */
export interface Audience {
  readonly role: RoleName;
  readonly topRole: RoleName;
  readonly takesGpus: boolean;
  readonly takesRevocable: boolean;
  readonly takesRefined: boolean;
  readonly isRegionAware: boolean;
  /** The role's own, else the cluster's holds. */
  readonly minimum: readonly Quantities[] | undefined;
  readonly constraints: CompiledConstraints | undefined;
  readonly counts: RefusalCounts;
  /** The only member, of an audience with a minimum or constraints of its own. */
  owner: Client | undefined;
  /** Clients that are visited. */
  visited: number;
  /** Clients there are. */
  members: number;
  /** What the agent of look number {@link look} has for it, or why nothing. */
  look: number;
  offer: Resources | undefined;
  refusal: RefusalReason | undefined;
}

/** Up to so many audiences in a role are asked before its clients are: none wants the agent, none is visited. */
const MAX_ASKED_FIRST = 4;

/** The audiences of all roles. Owns and mutates them. */
export class Audiences {
  private readonly byRole = new Map<RoleName, Map<string, Audience>>();
  /** Clients with a minimum of their own, which may be below the cluster's. */
  private ownMinima = 0;

  get hasOwnMinima(): boolean {
    return this.ownMinima > 0;
  }

  join(framework: FrameworkEntry, role: RoleName, traits: FrameworkTraits): Audience {
    const { capabilities } = framework;
    const minimum = traits.minAllocatable?.get(role);
    const constraints = traits.offerConstraints?.get(role);
    const isOwn = minimum !== undefined || constraints !== undefined;
    const bits = CAPABILITIES.map((name) => (capabilities.has(name) ? '1' : '0')).join('');
    const key = isOwn ? `${bits} ${framework.id}` : bits;
    const ofRole = this.byRole.get(role) ?? new Map<string, Audience>();
    this.byRole.set(role, ofRole);
    const known = ofRole.get(key);
    if (minimum !== undefined) this.ownMinima += 1;
    if (known !== undefined && !isOwn) {
      known.members += 1;
      return known;
    }
    const audience: Audience = {
      role,
      topRole: topLevelRole(role),
      takesGpus: capabilities.has('GPU_RESOURCES'),
      takesRevocable: capabilities.has('REVOCABLE_RESOURCES'),
      takesRefined: capabilities.has('RESERVATION_REFINEMENT'),
      isRegionAware: capabilities.has('REGION_AWARE'),
      minimum,
      constraints,
      counts: new RefusalCounts(),
      owner: undefined,
      visited: 0,
      members: 1,
      look: -1,
      offer: undefined,
      refusal: undefined,
    };
    ofRole.set(key, audience);
    return audience;
  }

  leave(client: Client): void {
    const { audience } = client;
    if (audience.minimum !== undefined) this.ownMinima -= 1;
    audience.members -= 1;
    if (audience.members > 0) return;
    const ofRole = present(this.byRole.get(audience.role), `${audience.role} has audiences`);
    for (const [key, each] of ofRole) if (each === audience) ofRole.delete(key);
    if (ofRole.size === 0) this.byRole.delete(audience.role);
  }

  /** Whether it is worth visiting the clients of a role: some audience has use for the agent, or there are many. */
  isWorthVisiting(role: RoleName, offerTo: (audience: Audience) => Resources | undefined): boolean {
    const ofRole = this.byRole.get(role);
    if (ofRole === undefined) return false;
    if (ofRole.size > MAX_ASKED_FIRST) return true;
    for (const audience of ofRole.values()) {
      if (audience.visited > 0 && offerTo(audience) !== undefined) return true;
    }
    return false;
  }
}

const CAPABILITIES = [
  'GPU_RESOURCES',
  'REVOCABLE_RESOURCES',
  'RESERVATION_REFINEMENT',
  'REGION_AWARE',
] as const;

/** Whether it has the role, or holds something in one it has left; what it only had once is nobody's business. */
export const isStanding = ({ isSubscribed, node }: Client): boolean =>
  isSubscribed || [...(node?.allocated.values() ?? [])].some((milli) => milli > 0);
