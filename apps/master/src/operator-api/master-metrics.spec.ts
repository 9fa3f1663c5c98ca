import { request } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  post,
  type RunningMaster,
  startMaster,
  subscribeAgent,
  subscribeFramework,
} from '../master.test-support.js';

let master: RunningMaster;
beforeEach(async () => {
  master = await startMaster();
});
afterEach(() => master.daemon.close());

const snapshot = async (): Promise<Readonly<Record<string, number>>> => {
  const { body } = await request(`${master.url}/metrics/snapshot`);
  return (await body.json()) as Readonly<Record<string, number>>;
};
const exposition = async (): Promise<string> => {
  const { body } = await request(`${master.url}/metrics`);
  return body.text();
};
const operate = (body: object) => post(`${master.url}/api/v1`, body);

describe('the metrics of the master', () => {
  it('count the filters that are in force, by role', async () => {
    const framework = await subscribeFramework(master);
    await subscribeAgent(master);
    const before = await snapshot();
    const event = await framework.stream.next(({ type }) => type === 'OFFERS');
    const offers = event.type === 'OFFERS' ? event.offers.offers : [];

    const offer_ids = offers.map(({ id }) => id);
    await framework.call({
      type: 'DECLINE',
      decline: { offer_ids, filters: { refuse_seconds: 3_600 } },
    });

    expect(before['allocator/mesos/offer_filters/roles/*/active']).toBe(0);
    expect((await snapshot())['allocator/mesos/offer_filters/roles/*/active']).toBe(1);
    expect(await exposition()).toContain('pacer_master_offer_filters{role="*"} 1');
  });

  it('tell the size of the registry, as it grows and shrinks', async () => {
    const size = async () => (await snapshot())['registrar/registry_size_bytes'] ?? 0;
    const setWeight = (weight: number) =>
      operate({
        type: 'UPDATE_WEIGHTS',
        update_weights: { weight_infos: [{ role: 'eng', weight }] },
      });
    const empty = await size();

    await setWeight(2.5);
    const withWeight = await size();
    await subscribeFramework(master);
    const withFramework = await size();

    expect(withWeight - empty).toBe('2.5'.length);
    expect(withFramework).toBeGreaterThan(withWeight + 50);
    expect(await exposition()).toContain(`pacer_master_registry_bytes ${withFramework}`);
    await setWeight(1);
    expect(await size()).toBe(withFramework - '2.5'.length);
  });

  it('time the reads of the state that are answered whole', async () => {
    expect(await snapshot()).not.toHaveProperty(['master/state_read_ms/count']);

    const first = await request(`${master.url}/state`);
    await first.body.dump();
    const etag = String(first.headers['etag']);
    await (await request(`${master.url}/master/state.json`)).body.dump();
    await operate({ type: 'GET_STATE' });
    const headers = { 'if-none-match': etag };
    const unmodified = await request(`${master.url}/state`, { headers });
    await unmodified.body.dump();
    await operate({ type: 'GET_TASKS' });

    const metrics = await snapshot();
    expect(unmodified.statusCode).toBe(304);
    expect(metrics['master/state_read_ms/count']).toBe(3);
    for (const part of ['min', 'p50', 'p99', 'max']) {
      expect(metrics[`master/state_read_ms/${part}`]).toBeGreaterThanOrEqual(0);
    }
    expect(await exposition()).toContain('pacer_master_state_read_seconds_count 3');
  });
});
