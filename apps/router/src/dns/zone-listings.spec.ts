import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { QueueFullError } from '#platform';
import { AppNames } from './app-names.js';
import { dnsApp, dnsTask } from './dns.test-support.js';
import { ZoneListings } from './zone-listings.js';

const TASKS = 10_000;
const ALL = Array.from({ length: TASKS }, (_, index) => dnsTask(index + 1));

function makeNames(tasks = ALL): AppNames {
  const names = new AppNames({
    naming: { domain: 'pacer', mesosDomain: 'mesos', framework: 'marathon', weight: 1 },
    edgeAddresses: [],
    logger: { warn: () => undefined },
    serial: 1,
    onChange: () => undefined,
  });
  names.takeNow(dnsApp('/web', tasks));
  return names;
}

/** How often something else had its turn until it was done. */
async function turnsOf(work: Promise<unknown>): Promise<number> {
  let isDone = false;
  let turns = 0;
  void work.finally(() => {
    isDone = true;
  });
  while (!isDone) {
    turns += 1;
    await nextTurn();
  }
  return turns;
}

describe('lists of one app of 10,000 tasks', () => {
  const names = makeNames();
  const kinds: readonly (readonly [string, (lists: ZoneListings) => Promise<string>])[] = [
    ['enumerate', (lists) => lists.enumerate()],
    ['apps', (lists) => lists.apps()],
    ['axfr', (lists) => lists.transfer('pacer', () => ({ Domain: 'pacer' }))],
    ['ports', (lists) => lists.ports('web.pacer')],
  ];

  it.each(kinds)('%s lets others have their turn, and is made once', async (_, ask) => {
    const lists = new ZoneListings(names);

    const first = ask(lists);
    expect(await turnsOf(first)).toBeGreaterThan(3);
    const text = await first;

    expect(await turnsOf(ask(lists))).toBeLessThan(3);
    expect(text.length).toBeGreaterThan(10 * TASKS);
    expect(() => JSON.parse(text)).not.toThrow();
    lists.stop();
  });
});

it('has what was there when it was asked for, though another list is being made', async () => {
  const names = makeNames(ALL.slice(0, 2_000));
  const lists = new ZoneListings(names);
  const before = lists.apps();
  await nextTurn();

  names.takeNow(dnsApp('/fresh', [dnsTask(1)]));
  const [early, late, same] = await Promise.all([before, lists.apps(), lists.apps()]);

  expect(early).not.toContain('/fresh');
  expect(late).toContain('"id":"/fresh"');
  expect(same).toBe(late);
  expect(JSON.parse(late).apps).toHaveLength(2);
  lists.stop();
});

it('is JSON though apps come and go while it is made', async () => {
  const names = makeNames(ALL.slice(0, 3_000));
  const lists = new ZoneListings(names);
  const made = Promise.all([
    lists.enumerate(),
    lists.apps(),
    lists.transfer('mesos', () => ({ Domain: 'mesos' })),
  ]);
  let isDone = false;
  void made.finally(() => {
    isDone = true;
  });

  for (let round = 0; !isDone; round += 1) {
    const id = `/a-${round % 50}`;
    if (round % 3 === 0) names.put(id, undefined, new Map());
    else names.takeNow(dnsApp(id, [dnsTask(round % 100)]));
    await nextTurn();
  }

  for (const text of await made) expect(() => JSON.parse(text)).not.toThrow();
  names.stop();
  lists.stop();
});

it('refuses more than 32 lists at a time', async () => {
  const lists = new ZoneListings(makeNames([dnsTask(1)]));
  const asked = Array.from({ length: 40 }, (_, index) => lists.targets({ port: String(index) }));

  const outcomes = await Promise.allSettled(asked);
  const refused = outcomes.filter(({ status }) => status === 'rejected');

  expect(refused).toHaveLength(8);
  expect(refused[0]).toMatchObject({ reason: expect.any(QueueFullError) });
  await expect(lists.targets({ port: '39' })).resolves.toBe('[]');
  lists.stop();
});
