import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addResources,
  agentId,
  containsResources,
  formatResources,
  frameworkId,
  isEmptyResources,
  noResources,
  type Resources,
  resourceKey,
  resources,
  roleName,
  traitsOfKey,
} from '#core';
import { Allocator } from './allocator.js';
import { ModelAllocator, type ModelClient } from './model-allocator.test-support.js';
import type { Allocation } from './traits.js';

// The allocator, incremental and with its indexes, against a model that works everything out anew.

const AGENTS = ['a', 'b', 'c'].map(agentId);
const FRAMEWORKS = ['f', 'g', 'h'].map(frameworkId);
const ROLES = ['x', 'x/y', 'z', 'w/v'].map(roleName);
const TOPS = ['x', 'z', 'w'].map(roleName);
const NO_TRAITS = { hostname: '', attributes: [] };

const key = (name: string, stack: readonly string[], isRevocable = false): string =>
  resourceKey(name, { reservations: stack.map((role) => ({ type: 'STATIC', role })), isRevocable });

/** Agents of several shapes: plain, with reservations, refined ones, and revocable resources. */
const TOTALS: readonly Resources[] = [
  resources({ cpus: 4, mem: 512, ports: [{ begin: 1, end: 9 }] }),
  resources({ cpus: 2, mem: 2048 }),
  {
    scalars: {
      ...resources({ cpus: 2, mem: 256 }).scalars,
      [key('cpus', ['x'])]: 1_000,
      [key('mem', ['x'])]: 64_000,
      [key('cpus', ['x', 'x/y'])]: 1_000,
      [key('mem', ['x', 'x/y'])]: 64_000,
    },
    ranges: {},
  },
  {
    scalars: { ...resources({ cpus: 1, mem: 128 }).scalars, [key('cpus', [], true)]: 3_000 },
    ranges: {},
  },
];

/** Random histories begin with somebody there. */
const begun = ['join', 'agent', 'join', 'agent', 'agent', 'join'] as const;

const command = fc.record({
  kind: fc.constantFrom(
    ...(['join', 'leave', 'suppress', 'revive', 'agent', 'lose', 'rest'] as const),
    ...(['decline', 'decline', 'part', 'free', 'free', 'wait', 'quota', 'weight'] as const),
    ...(['round', 'round', 'pieces'] as const),
  ),
  agent: fc.nat({ max: AGENTS.length - 1 }),
  framework: fc.nat({ max: FRAMEWORKS.length - 1 }),
  role: fc.nat({ max: ROLES.length - 1 }),
  pick: fc.nat({ max: 40 }),
  refuseMs: fc.constantFrom(0, 10, 1_000, 1_000_000),
});
type Command = typeof command extends fc.Arbitrary<infer Value> ? Value : never;

const commandsOf = (maxLength: number): fc.Arbitrary<readonly Command[]> =>
  fc
    .array(command, { minLength: begun.length, maxLength, size: 'max' })
    .map((commands) => commands.map((one, at) => ({ ...one, kind: begun[at] ?? one.kind })));

/** Most of the largest agent. */
const LARGE = { cpus: 4_000, mem: 128_000 };

class History {
  readonly allocator = new Allocator({ starvingAfterLosses: 2 });
  readonly model = new ModelAllocator();
  /** Rounds after which some agent was kept for a large task. */
  roundsWithHolds = 0;

  /** With demands, agents may be kept for a large task, which the model knows nothing of. */
  constructor(private readonly options: { readonly hasDemands: boolean } = { hasDemands: false }) {}

  apply(command: Command): void {
    const framework = FRAMEWORKS[command.framework] ?? frameworkId('f');
    const role = ROLES[command.role] ?? roleName('x');
    this.handlers[command.kind](command, { framework, role });
  }

  private readonly handlers: Readonly<
    Record<
      Command['kind'],
      (
        command: Command,
        named: {
          readonly framework: Allocation['frameworkId'];
          readonly role: Allocation['role'];
        },
      ) => void
    >
  > = {
    join: (command) => this.join(command),
    leave: (_, { framework }) => {
      this.allocator.deactivateFramework(framework);
      const known = this.model.frameworks.get(framework);
      if (known !== undefined) known.isActive = false;
      this.forgetRefusals((one) => one.frameworkId === framework);
    },
    suppress: (_, { framework, role }) => {
      this.allocator.suppress(framework, [role]);
      const known = this.model.frameworks.get(framework);
      if (known?.roles.includes(role)) known.suppressed.add(role);
    },
    revive: (_, { framework, role }) => {
      this.allocator.revive(framework, [role]);
      const known = this.model.frameworks.get(framework);
      if (known?.roles.includes(role) !== true) return;
      known.suppressed.delete(role);
      this.forgetRefusals((one) => one.frameworkId === framework && one.role === role);
    },
    agent: (command) => this.changeAgent(command),
    lose: (command) => this.changeAgent(command),
    rest: (command) => this.changeAgent(command),
    decline: (command) => this.release(command),
    part: (command) => this.release(command),
    free: (command) => this.release(command),
    wait: ({ refuseMs }) => {
      this.model.nowMs += refuseMs;
    },
    quota: (command) => this.setQuota(command),
    weight: ({ pick }, { role }) => {
      this.allocator.setWeight(role, 1 + pick);
      this.model.weights.set(role, 1 + pick);
    },
    round: () => this.round(Number.POSITIVE_INFINITY),
    pieces: () => {
      for (let turn = 0; turn < 100 && this.allocator.hasWork; turn += 1) this.round(1);
      this.round(Number.POSITIVE_INFINITY);
    },
  };

  /** Every allocation is what the model would have given, and to the first in the model's order. */
  round(maxAllocations: number): void {
    const { allocator, model } = this;
    const isWhole = !Number.isFinite(maxAllocations);
    const made = allocator.allocate(model.nowMs, isWhole ? {} : { maxAllocations });
    for (const one of made) {
      const isGivenByModel =
        this.options.hasDemands ||
        [true, false].some((isForGuarantees) => {
          const eligible = model.eligible(one.agentId, { isForGuarantees });
          // Headroom that grew is given to pairs that changed first: the order is not the model's then.
          const may = model.hasGuarantees ? eligible : eligible.slice(0, 1);
          const client = may.find((each) => isSameClient(each, one));
          if (client === undefined) return false;
          const offer = model.offerFor(one.agentId, client, { isForGuarantees });
          return formatResources(offer) === formatResources(one.resources);
        });
      expect(isGivenByModel, `${one.frameworkId} in ${one.role} on ${one.agentId}`).toBe(true);
      expectFits(one, model);
      model.allocate(one);
    }
    if (isWhole && !this.options.hasDemands) this.expectSettled();
    else if (allocator.explain().some(({ reasons }) => reasons.accumulating !== undefined)) {
      this.roundsWithHolds += 1;
    }
  }

  /** After a whole round nobody could be offered anything more: progress, within one round. */
  expectSettled(): void {
    for (const id of this.model.agents.keys()) {
      expect(formatResources(this.allocator.availableOn(id))).toBe(formatResources(this.total(id)));
      expect(this.model.eligible(id, { isForGuarantees: false })).toEqual([]);
    }
    expect(this.allocator.hasWork).toBe(false);
  }

  private total(id: Allocation['agentId']): Resources {
    const agent = this.model.agents.get(id);
    if (agent === undefined) return noResources;
    // Inactive agents have their resources too.
    const { isActive } = agent;
    agent.isActive = true;
    const available = this.model.available(id);
    agent.isActive = isActive;
    return available;
  }

  private join({ framework, role, pick }: Command): void {
    const id = FRAMEWORKS[framework] ?? frameworkId('f');
    const roles = [...new Set([ROLES[role], ROLES[pick % ROLES.length]])].filter(
      (one) => one !== undefined,
    );
    const suppressed = pick % 3 === 0 ? roles.slice(0, 1) : [];
    const capabilities = new Set([
      ...(pick % 2 === 0 ? ['REVOCABLE_RESOURCES'] : []),
      ...(pick % 5 === 0 ? ['RESERVATION_REFINEMENT'] : []),
    ]);
    this.allocator.addFramework(id, { roles, suppressedRoles: suppressed, capabilities });
    this.model.frameworks.set(id, {
      roles,
      capabilities,
      suppressed: new Set(suppressed),
      isActive: true,
    });
    this.forgetRefusals((one) => one.frameworkId === id);
  }

  private changeAgent({ kind, agent, pick }: Command): void {
    const { allocator, model } = this;
    const id = AGENTS[agent] ?? agentId('a');
    const known = model.agents.get(id);
    if (kind === 'agent') {
      // A total that has what is used: shrinking agents have a test of their own.
      const total = known?.total ?? TOTALS[pick % TOTALS.length] ?? noResources;
      allocator.addAgent(id, total, NO_TRAITS);
      model.agents.set(id, { total, isActive: true });
    } else if (kind === 'rest') {
      const isActive = pick % 2 === 0;
      allocator.setAgentActive(id, { isActive });
      if (known !== undefined) known.isActive = isActive;
    } else {
      for (const one of model.held.filter((each) => each.agentId === id)) {
        model.held.splice(model.held.indexOf(one), 1);
        allocator.release(one);
      }
      allocator.removeAgent(id);
      model.agents.delete(id);
      this.forgetRefusals((one) => one.agentId === id);
    }
  }

  /** All or part of what somebody has comes back, refused or not. */
  private release({ kind, pick, refuseMs }: Command): void {
    const { allocator, model } = this;
    const [whole] = model.held.splice(pick % Math.max(1, model.held.length), 1);
    if (whole === undefined) return;
    const [back, kept] = kind === 'part' ? halve(whole.resources) : [whole.resources, noResources];
    if (!isEmptyResources(kept)) model.held.push({ ...whole, resources: kept });
    if (isEmptyResources(back)) return;
    const allocation = { ...whole, resources: back };
    // Patience is tested elsewhere.
    allocator.accepted(whole.frameworkId, whole.role);
    if (kind === 'free' || refuseMs === 0) {
      allocator.release(allocation);
      return;
    }
    const untilMs = model.nowMs + refuseMs;
    allocator.release(allocation, { untilMonoMs: untilMs });
    model.refusals.push({ allocation, untilMs });
  }

  private setQuota({ role, pick }: Command): void {
    const top = TOPS[role % TOPS.length] ?? roleName('x');
    const quota = {
      guarantees: pick % 3 === 0 ? {} : { cpus: (pick % 5) * 1_000, mem: (pick % 4) * 64_000 },
      limits: pick % 2 === 0 ? {} : { cpus: (3 + (pick % 7)) * 1_000 },
    };
    const isTakenAway = pick % 7 === 0;
    this.allocator.setQuota(top, isTakenAway ? undefined : quota);
    if (isTakenAway) this.model.quotas.delete(top);
    else this.model.quotas.set(top, quota);
  }

  private forgetRefusals(isGone: (one: Allocation) => boolean): void {
    this.model.refusals = this.model.refusals.filter(({ allocation }) => !isGone(allocation));
  }
}

const isSameClient = (left: ModelClient, right: ModelClient): boolean =>
  left.frameworkId === right.frameworkId && left.role === right.role;

/** Safety: an agent has it, the role may have it, and it does not go beyond the limit. */
function expectFits(one: Allocation, model: ModelAllocator): void {
  const total = model.agents.get(one.agentId)?.total ?? noResources;
  const used = model.held
    .filter((each) => each.agentId === one.agentId)
    .reduce((sum, each) => addResources(sum, each.resources), one.resources);
  expect(containsResources(total, used)).toBe(true);
  for (const reservedKey of Object.keys(one.resources.scalars)) {
    const role = traitsOfKey(reservedKey).reservations.at(-1)?.role;
    if (role !== undefined) expect(`${one.role}/`.startsWith(`${role}/`)).toBe(true);
  }
  const top = one.role.split('/')[0] ?? '';
  for (const [name, limit] of Object.entries(model.quotas.get(roleName(top))?.limits ?? {})) {
    const more = one.resources.scalars[name] ?? 0;
    if (more > 0) expect(model.consumed(top, name) + more).toBeLessThanOrEqual(limit);
  }
}

function halve(amount: Resources): readonly [Resources, Resources] {
  const names = Object.keys(amount.scalars).sort();
  const isFirst = (name: string): boolean => names.indexOf(name) % 2 === 0;
  const pick = (wanted: boolean): Record<string, number> =>
    Object.fromEntries(Object.entries(amount.scalars).filter(([name]) => isFirst(name) === wanted));
  return [
    { scalars: pick(true), ranges: {} },
    { scalars: pick(false), ranges: amount.ranges },
  ];
}

describe('Allocator, against a model', () => {
  it('gives to whom the model would, what the model would, until nobody may have more', () => {
    fc.assert(
      fc.property(commandsOf(60), (commands) => {
        const history = new History();
        for (const one of commands) history.apply(one);
        history.round(Number.POSITIVE_INFINITY);
      }),
      { numRuns: Number(process.env['PACER_MODEL_RUNS'] ?? 150) },
    );
  }, 120_000);

  it('keeps within all bounds with agents kept for large tasks, and nothing is kept once nobody asks', () => {
    let roundsWithHolds = 0;
    fc.assert(
      fc.property(commandsOf(150), (commands) => {
        const history = new History({ hasDemands: true });
        for (const [at, one] of commands.entries()) {
          // Frameworks that come back or agents that are lost begin anew, and would seldom starve.
          const kind = one.kind === 'join' || one.kind === 'lose' ? 'part' : one.kind;
          history.apply(at < begun.length ? one : { ...one, kind });
          history.allocator.setDemand(FRAMEWORKS[0] ?? frameworkId('f'), undefined, [LARGE]);
          history.round(at % 5 === 0 ? 2 : Number.POSITIVE_INFINITY);
        }
        roundsWithHolds += history.roundsWithHolds;
        for (const framework of FRAMEWORKS) history.allocator.setDemand(framework, undefined, []);

        for (let turn = 0; turn < 5 && history.allocator.hasWork; turn += 1) {
          history.round(Number.POSITIVE_INFINITY);
        }

        history.expectSettled();
      }),
      { numRuns: Number(process.env['PACER_MODEL_RUNS'] ?? 60) },
    );
    expect(roundsWithHolds).toBeGreaterThan(0);
  }, 120_000);

  it('holds the invariants when rounds are cut into pieces', () => {
    fc.assert(
      fc.property(commandsOf(40), (commands) => {
        const history = new History();
        for (const one of commands) {
          history.apply(one.kind === 'round' ? { ...one, kind: 'pieces' } : one);
        }
        history.apply({
          kind: 'pieces',
          agent: 0,
          framework: 0,
          role: 0,
          pick: 0,
          refuseMs: 0,
        });
      }),
      { numRuns: 60 },
    );
  }, 120_000);
});
