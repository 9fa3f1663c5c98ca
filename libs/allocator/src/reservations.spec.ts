import { describe, expect, it } from 'vitest';
import {
  addResources,
  agentId,
  formatResources,
  frameworkId,
  type PersistentVolume,
  type Resources,
  resourceKey,
  resources,
  roleName,
} from '#core';
import type { AgentTraits } from './agent-traits.js';
import { Allocator } from './allocator.js';
import type { Allocation, AllocatorOptions } from './traits.js';

const A1 = agentId('a1');
const VOLUME: PersistentVolume = { id: 'v1', containerPath: 'data', mode: 'RW' };

/** Frameworks as `id: 'role +CAPABILITY ...'`. */
function clusterOf(frameworks: Readonly<Record<string, string>>, options?: AllocatorOptions) {
  const allocator = new Allocator(options);
  for (const [id, text] of Object.entries(frameworks)) {
    const [role = '', ...capabilities] = text.split(' +');
    allocator.addFramework(frameworkId(id), {
      roles: [roleName(role)],
      suppressedRoles: [],
      capabilities: new Set(capabilities),
    });
  }
  return allocator;
}

/** `name` reserved to a stack of roles, outermost first; `db` or `eng,eng/db`. */
const key = (
  name: string,
  stack: string,
  more: { readonly volume?: PersistentVolume; readonly isRevocable?: boolean } = {},
): string =>
  resourceKey(name, {
    reservations: stack
      .split(',')
      .filter((role) => role !== '')
      .map((role) => ({ type: 'DYNAMIC', role })),
    isRevocable: more.isRevocable ?? false,
    ...(more.volume === undefined ? {} : { volume: more.volume }),
  });

const scalars = (amounts: Readonly<Record<string, number>>): Resources => ({
  scalars: Object.fromEntries(Object.entries(amounts).map(([name, unit]) => [name, unit * 1000])),
  ranges: {},
});

const reserved = (stack: string, cpus: number, mem: number): Resources =>
  scalars({ [key('cpus', stack)]: cpus, [key('mem', stack)]: mem });

const shape = (allocations: readonly Allocation[]): string[] =>
  allocations.map((one) => `${one.frameworkId}@${one.agentId} ${formatResources(one.resources)}`);

const traits = (given: Partial<AgentTraits>): AgentTraits => ({
  hostname: 'h',
  attributes: [],
  ...given,
});

describe('reservations', () => {
  it('go to their role only; what is left goes to the others', () => {
    const allocator = clusterOf({ web: 'web', db: 'db' });
    allocator.suppress(frameworkId('db'));
    allocator.addAgent(A1, addResources(resources({ cpus: 1, mem: 64 }), reserved('db', 2, 128)));
    expect(shape(allocator.allocate(0))).toEqual(['web@a1 cpus:1;mem:64']);

    allocator.revive(frameworkId('db'));

    expect(shape(allocator.allocate(0))).toEqual(['db@a1 cpus(db):2;mem(db):128']);
  });

  it('go to descendants of their role too, and not to its ancestors or namesakes', () => {
    const allocator = clusterOf({ eng: 'eng', dev: 'eng/dev', engine: 'engine' });
    allocator.addAgent(A1, reserved('eng/dev', 1, 64));
    expect(shape(allocator.allocate(0))).toEqual(['dev@a1 cpus(eng/dev):1;mem(eng/dev):64']);

    const other = clusterOf({ engine: 'engine', dev: 'eng/dev' });
    other.addAgent(A1, reserved('eng', 1, 64));

    expect(shape(other.allocate(0))).toEqual(['dev@a1 cpus(eng):1;mem(eng):64']);
  });

  it('go, when refined, to frameworks with RESERVATION_REFINEMENT only', () => {
    const allocator = clusterOf({ old: 'eng/dev', new: 'eng/dev +RESERVATION_REFINEMENT' });
    allocator.suppress(frameworkId('new'));
    allocator.addAgent(
      A1,
      addResources(reserved('eng,eng/dev', 1, 64), resources({ cpus: 1, mem: 64 })),
    );
    expect(shape(allocator.allocate(0))).toEqual(['old@a1 cpus:1;mem:64']);

    allocator.revive(frameworkId('new'));

    expect(shape(allocator.allocate(0))).toEqual(['new@a1 cpus(eng/dev):1;mem(eng/dev):64']);
  });

  it('are made and undone in what a framework was offered (ReserveThenUnreserve)', () => {
    const allocator = clusterOf({ db: 'db', web: 'web' });
    allocator.suppress(frameworkId('web'));
    allocator.addAgent(A1, resources({ cpus: 2, mem: 128 }));
    const [offer] = allocator.allocate(0);
    const holder = { frameworkId: frameworkId('db'), role: roleName('db') };
    const plain = resources({ cpus: 1, mem: 64 });

    expect(allocator.convert(A1, holder, plain, reserved('db', 1, 64))).toBe(true);
    const rest = addResources(plain, reserved('db', 1, 64));
    allocator.release({ ...(offer as Allocation), resources: rest });
    allocator.suppress(frameworkId('db'));
    allocator.revive(frameworkId('web'));

    expect(shape(allocator.allocate(0))).toEqual(['web@a1 cpus:1;mem:64']);
    expect(allocator.roleUsage(roleName('db')).reserved).toEqual({ cpus: 1_000, mem: 64_000 });
    expect(allocator.convert(A1, undefined, reserved('db', 1, 64), plain)).toBe(true);
    expect(shape(allocator.allocate(0))).toEqual(['web@a1 cpus:1;mem:64']);
    expect(allocator.roleUsage(roleName('db')).reserved).toEqual({});
  });

  it('stay when a task that used them ends (ReserveAndLaunchThenUnreserve)', () => {
    const allocator = clusterOf({ db: 'db' });
    allocator.addAgent(A1, resources({ cpus: 2, mem: 128 }));
    const [offer] = allocator.allocate(0);
    const holder = { frameworkId: frameworkId('db'), role: roleName('db') };
    allocator.convert(A1, holder, resources({ cpus: 2, mem: 128 }), reserved('db', 2, 128));

    allocator.release({ ...(offer as Allocation), resources: reserved('db', 2, 128) });

    expect(shape(allocator.allocate(0))).toEqual(['db@a1 cpus(db):2;mem(db):128']);
    const unreserved = resources({ cpus: 2, mem: 128 });
    expect(allocator.convert(A1, holder, reserved('db', 2, 128), unreserved)).toBe(true);
  });

  it('are refused to an operator when the resources are not free', () => {
    const allocator = clusterOf({ web: 'web' });
    allocator.addAgent(A1, resources({ cpus: 2, mem: 128 }));
    allocator.allocate(0);
    const plain = resources({ cpus: 1, mem: 64 });

    expect(allocator.convert(A1, undefined, plain, reserved('db', 1, 64))).toBe(false);
    expect(allocator.roleUsage(roleName('db')).reserved).toEqual({});
  });

  it('do not change amounts', () => {
    const allocator = clusterOf({});
    allocator.addAgent(A1, resources({ cpus: 4, mem: 512 }));

    expect(
      allocator.convert(A1, undefined, resources({ cpus: 1, mem: 64 }), reserved('db', 2, 64)),
    ).toBe(false);
    expect(formatResources(allocator.availableOn(A1))).toBe('cpus:4;mem:512');
  });

  it('are refused to an operator beyond the quota limit of their role', () => {
    const allocator = clusterOf({});
    allocator.setQuota(roleName('db'), { guarantees: {}, limits: { cpus: 1_000 } });
    allocator.addAgent(A1, resources({ cpus: 4, mem: 512 }));

    expect(
      allocator.convert(A1, undefined, resources({ cpus: 2, mem: 64 }), reserved('db', 2, 64)),
    ).toBe(false);
    expect(
      allocator.convert(A1, undefined, resources({ cpus: 1, mem: 64 }), reserved('db', 1, 64)),
    ).toBe(true);
  });
});

describe('persistent volumes', () => {
  it('are created, offered to their role again, and destroyed (CreateAndDestroyPersistentVolumes)', () => {
    const allocator = clusterOf({ db: 'db', web: 'web' });
    allocator.suppress(frameworkId('web'));
    const base = addResources(
      resources({ cpus: 1, mem: 64 }),
      scalars({ [key('disk', 'db')]: 10 }),
    );
    allocator.addAgent(A1, base);
    const [offer] = allocator.allocate(0);
    const holder = { frameworkId: frameworkId('db'), role: roleName('db') };
    const disk = scalars({ [key('disk', 'db')]: 10 });
    const volume = scalars({ [key('disk', 'db', { volume: VOLUME })]: 10 });

    expect(allocator.convert(A1, holder, disk, volume)).toBe(true);
    const all = addResources(resources({ cpus: 1, mem: 64 }), volume);
    allocator.release({ ...(offer as Allocation), resources: all });
    const [again] = allocator.allocate(0);

    expect(formatResources(again?.resources ?? base)).toBe('cpus:1;disk(db)[v1:data]:10;mem:64');
    expect(allocator.convert(A1, holder, volume, disk)).toBe(true);
    expect(allocator.convert(A1, holder, volume, disk)).toBe(false);
  });

  it('survive the restart of their framework: offered to it when it subscribes again', () => {
    const allocator = clusterOf({ db: 'db' });
    const volume = scalars({ [key('disk', 'db', { volume: VOLUME })]: 10 });
    allocator.addAgent(A1, addResources(resources({ cpus: 1, mem: 64 }), volume));
    const [offer] = allocator.allocate(0);
    allocator.deactivateFramework(frameworkId('db'));
    allocator.release(offer as Allocation);
    expect(allocator.allocate(0)).toEqual([]);

    allocator.addFramework(frameworkId('db'), { roles: [roleName('db')], suppressedRoles: [] });

    expect(shape(allocator.allocate(0))).toEqual(['db@a1 cpus:1;disk(db)[v1:data]:10;mem:64']);
  });
});

describe('capabilities', () => {
  it('REVOCABLE_RESOURCES: revocable resources only to frameworks that have it (RevocableOffer)', () => {
    const allocator = clusterOf({ old: 'x', new: 'x +REVOCABLE_RESOURCES' });
    const revocable = scalars({ [key('cpus', '', { isRevocable: true })]: 4 });
    allocator.addAgent(A1, addResources(resources({ cpus: 1, mem: 64 }), revocable));

    const offers = shape(allocator.allocate(0));

    expect(offers).toEqual(['new@a1 cpus:1;cpus{REV}:4;mem:64']);
    allocator.suppress(frameworkId('new'));
    allocator.addAgent(agentId('a2'), addResources(resources({ cpus: 1, mem: 64 }), revocable));
    expect(shape(allocator.allocate(0))).toEqual(['old@a2 cpus:1;mem:64']);
  });

  it('revocable resources count neither against limits nor as headroom', () => {
    const allocator = clusterOf({ batch: 'batch +REVOCABLE_RESOURCES' }, { minAllocatable: [] });
    allocator.setQuota(roleName('batch'), { guarantees: {}, limits: { cpus: 0 } });
    allocator.setQuota(roleName('vip'), { guarantees: { cpus: 1_000 }, limits: {} });
    const revocable = scalars({ [key('cpus', '', { isRevocable: true })]: 4 });
    allocator.addAgent(A1, addResources(resources({ cpus: 1 }), revocable));

    expect(shape(allocator.allocate(0))).toEqual(['batch@a1 cpus{REV}:4']);
  });

  it('a revocable task that was preempted gives back what it had (QoSCorrectionKill)', () => {
    const allocator = clusterOf({ batch: 'batch +REVOCABLE_RESOURCES' });
    const revocable = scalars({ [key('cpus', '', { isRevocable: true })]: 4 });
    allocator.addAgent(A1, revocable);
    const [offer] = allocator.allocate(0);

    allocator.release(offer as Allocation);

    expect(shape(allocator.allocate(0))).toEqual(['batch@a1 cpus{REV}:4']);
  });

  it('GPU_RESOURCES: an agent with GPUs only to frameworks that have it, unless switched off', () => {
    const frameworks = { old: 'x', new: 'x +GPU_RESOURCES' };
    const agent = resources({ cpus: 1, mem: 64, gpus: 1 });
    const strict = clusterOf(frameworks);
    strict.addAgent(A1, agent);
    const lax = clusterOf({ old: 'x' }, { filterGpuResources: false });
    lax.addAgent(A1, agent);

    expect(shape(strict.allocate(0))).toEqual(['new@a1 cpus:1;gpus:1;mem:64']);
    expect(shape(lax.allocate(0))).toEqual(['old@a1 cpus:1;gpus:1;mem:64']);
  });

  it('REGION_AWARE: agents of another region only to frameworks that have it', () => {
    const allocator = clusterOf({ old: 'x', new: 'x +REGION_AWARE' }, { region: 'here' });
    allocator.suppress(frameworkId('new'));
    const agent = resources({ cpus: 1, mem: 64 });
    allocator.addAgent(A1, agent, traits({ region: 'there' }));
    allocator.addAgent(agentId('a2'), agent, traits({ region: 'here' }));
    allocator.addAgent(agentId('a3'), agent);
    expect(shape(allocator.allocate(0))).toEqual(['old@a2 cpus:1;mem:64', 'old@a3 cpus:1;mem:64']);

    allocator.revive(frameworkId('new'));

    expect(shape(allocator.allocate(0))).toEqual(['new@a1 cpus:1;mem:64']);
  });

  it('HIERARCHICAL_ROLE: roles below another one not on agents without it', () => {
    const allocator = clusterOf({ dev: 'eng/dev', eng: 'eng' });
    allocator.suppress(frameworkId('eng'));
    const old = traits({ capabilities: new Set() });
    allocator.addAgent(A1, resources({ cpus: 1, mem: 64 }), old);
    expect(allocator.allocate(0)).toEqual([]);

    allocator.revive(frameworkId('eng'));

    expect(shape(allocator.allocate(0))).toEqual(['eng@a1 cpus:1;mem:64']);
  });

  it('an incapable framework does not starve later ones (FrameworkLoopMESOS_9554)', () => {
    const allocator = clusterOf({ a: 'a', b: 'b', c: 'c +GPU_RESOURCES' });
    for (let index = 0; index < 3; index += 1) {
      allocator.addAgent(agentId(`g${index}`), resources({ cpus: 1, mem: 64, gpus: 1 }));
    }

    expect(allocator.allocate(0).map((one) => one.frameworkId)).toEqual(['c', 'c', 'c']);
  });
});
