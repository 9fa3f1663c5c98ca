import { describe, expect, it } from 'vitest';
import { resources, roleName } from '#core';
import type { WireQuotaConfig, WireResource } from '#mesos-v1';
import { commandTask, MasterHarness } from './master.test-support.js';

const cpus = (value: number) => ({ cpus: { value } });
const update = (
  master: MasterHarness,
  quota_configs: readonly WireQuotaConfig[],
  options: { readonly force?: boolean } = {},
) => master.operate({ type: 'UPDATE_QUOTA', update_quota: { ...options, quota_configs } });

/** A framework of the role `eng` with a task of 2 cpus on an agent of 4. */
function using() {
  const master = new MasterHarness();
  const framework = master.subscribe('F', { role: 'eng' });
  const agent = master.addAgent('A', { total: resources({ cpus: 4, mem: 1024 }) });
  master.allocate();
  const [offer] = master.offersOf('F');
  if (offer === undefined) throw new Error('no offer');
  master.launch(framework, 'F', offer, [commandTask('t', agent, { cpus: 2 })]);
  master.call(framework, 'F', { type: 'REVIVE' });
  master.allocate();
  return { master, framework, agent };
}

describe('UPDATE_QUOTA', () => {
  it('is refused when the role uses more than the limit, unless forced', () => {
    const { master } = using();
    const quota = [{ role: 'eng', limits: cpus(1) }];

    const refused = update(master, quota);

    expect(refused).toMatchObject({ status: 400 });
    expect(refused.message).toBe(
      'role eng uses 2 cpus, above the limit 1; force sets it all the same',
    );
    expect(update(master, quota, { force: true }).status).toBe(200);
  });

  it('is refused when all guarantees together are above what the cluster has', () => {
    const { master } = using();
    update(master, [{ role: 'ads', guarantees: cpus(3) }]);

    const refused = update(master, [{ role: 'eng', guarantees: cpus(2) }]);

    expect(refused.message).toMatch(
      /^all guarantees of cpus together are 5, above the cluster's 4/,
    );
  });

  it('rescinds offers that the limit no longer allows; nothing above it is offered again', () => {
    const { master } = using();
    const before = master.offersOf('F').length;

    expect(update(master, [{ role: 'eng', limits: cpus(3) }]).status).toBe(200);
    master.allocate();

    expect(master.eventsOf('F', 'RESCIND')).toHaveLength(1);
    const offered = master
      .offersOf('F')
      .slice(before)
      .flatMap(({ resources }) => resources);
    expect(offered.find(({ name }) => name === 'cpus')?.scalar?.value).toBe(1);
  });

  it('rescinds offers of roles without a guarantee where one is not met', () => {
    const { master } = using();
    master.subscribe('G', { role: 'ads' });

    update(master, [{ role: 'ads', guarantees: cpus(2) }]);
    master.allocate();

    expect(master.eventsOf('F', 'RESCIND')).toHaveLength(1);
    expect(master.offersOf('G')).toHaveLength(1);
  });

  it('counts offers neither for nor against the comparison with the limit', () => {
    const { master } = using();

    expect(update(master, [{ role: 'eng', limits: cpus(2) }]).status).toBe(200);
  });

  it('is stored before it holds, and read back by the next master', () => {
    const { master } = using();
    update(master, [{ role: 'eng', guarantees: cpus(1), limits: cpus(3) }]);
    const quota = { role: roleName('eng'), guarantees: { cpus: 1000 }, limits: { cpus: 3000 } };

    const second = new MasterHarness({ epoch: 2 });
    second.recover({ quotas: [quota] });

    expect(master.committed.at(-1)?.changes).toEqual([{ kind: 'put-quota', quota }]);
    expect(second.state.allocator.roleUsage(roleName('eng')).quota).toMatchObject({
      limits: { cpus: 3000 },
    });
  });

  it('takes a quota that says nothing as none', () => {
    const { master } = using();
    update(master, [{ role: 'eng', limits: cpus(3) }]);

    expect(update(master, [{ role: 'eng' }]).status).toBe(200);
    expect(master.state.operator.quotas.size).toBe(0);
  });

  it.each([
    ['*', cpus(1), {}, /default role/],
    ['eng/dev', cpus(1), {}, /nested/],
    ['a b', cpus(1), {}, /invalid/],
    ['eng', cpus(-1), {}, /guarantees\.cpus is -1, below 0/],
    ['eng', cpus(1e-320), {}, /guarantees\.cpus is 1e-320, below 0\.001, the least that counts/],
    ['eng', {}, cpus(0.0004), /limits\.cpus is 0\.0004, below 0\.001, the least that counts/],
    ['eng', cpus(2), cpus(1), /guarantees\.cpus is 2, above its limit 1/],
    ['eng', { 'cpus{': { value: 1 } }, {}, /names no resource/],
  ])('refuses the role %s with %j and limits %j', (role, guarantees, limits, message) => {
    const answer = update(using().master, [{ role, guarantees, limits }]);

    expect(answer.status).toBe(400);
    expect(answer.message).toMatch(message);
  });

  it('changes nothing when one of several quotas is bad', () => {
    const { master } = using();

    const answer = update(master, [
      { role: 'ads', limits: cpus(1) },
      { role: 'eng', limits: cpus(1) },
    ]);

    expect(answer.status).toBe(400);
    expect(master.state.operator.quotas.size).toBe(0);
  });
});

describe('SET_QUOTA and REMOVE_QUOTA', () => {
  const scalar = (value: number): WireResource => ({
    name: 'cpus',
    type: 'SCALAR',
    scalar: { value },
  });
  const set = (master: MasterHarness, guarantee: readonly WireResource[]) =>
    master.operate({ type: 'SET_QUOTA', set_quota: { quota_request: { role: 'eng', guarantee } } });

  it('set a guarantee that is the limit too, once, until it is removed', () => {
    const { master } = using();

    expect(set(master, [scalar(3)]).status).toBe(200);
    expect(set(master, [scalar(3)])).toMatchObject({ status: 400 });
    expect(master.state.operator.quotas.get(roleName('eng'))).toMatchObject({
      guarantees: { cpus: 3000 },
      limits: { cpus: 3000 },
    });
    const remove = { type: 'REMOVE_QUOTA', remove_quota: { role: 'eng' } } as const;
    expect(master.operate(remove).status).toBe(200);
    expect(master.operate(remove)).toMatchObject({ status: 400, message: 'role eng has no quota' });
  });

  it.each([
    ['nothing', []],
    ['a name twice', [scalar(1), scalar(1)]],
    ['reserved resources', [{ ...scalar(1), role: 'eng' }]],
    ['no amount', [{ name: 'cpus', type: 'SCALAR' } as const]],
    ['ranges', [{ name: 'ports', type: 'RANGES', ranges: { range: [] } } as const]],
  ])('refuse a guarantee of %s', (_what, guarantee) => {
    expect(set(using().master, guarantee)).toMatchObject({ status: 400 });
  });
});
