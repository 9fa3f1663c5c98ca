import fc from 'fast-check';
import { expect, it } from 'vitest';
import { AppNames } from './app-names.js';
import { AppsByHost } from './apps-by-host.js';
import { dnsApp, dnsTask } from './dns.test-support.js';

const HOSTS = ['a.test', 'b.test', 'c.test', '10.0.0.1', ''];

const CHANGES = fc.array(
  fc.record({
    number: fc.integer({ min: 0, max: 4 }),
    hosts: fc.option(fc.subarray(HOSTS), { nil: undefined }),
  }),
  { maxLength: 30 },
);

it('knows the apps of each host, whatever came and went', () => {
  fc.assert(
    fc.property(CHANGES, (changes) => {
      const index = new AppsByHost();
      const apps = new Map<string, readonly string[]>();
      for (const { number, hosts } of changes) {
        const id = `/app-${number}`;
        const tasks = hosts?.map((host, task) => dnsTask(task, { host }));
        index.put(id, tasks && dnsApp(id, tasks));
        if (hosts === undefined) apps.delete(id);
        else apps.set(id, hosts);
      }

      for (const host of ['a.test', 'b.test', 'c.test']) {
        const expected = [...apps].flatMap(([id, hosts]) => (hosts.includes(host) ? [id] : []));
        expect([...index.on(host)].sort()).toEqual(expected.sort());
      }
      expect(index.on('10.0.0.1').size).toBe(0);
    }),
  );
});

it('takes what no Marathon lists', () => {
  const odd = { ...dnsApp('/odd', []), tasks: [null, {}, { host: 7 }] as never };

  new AppsByHost().put('/odd', odd);
});

it('looks at no app but those of the host when its address is known', () => {
  let looks = 0;
  const names = new AppNames({
    naming: { domain: 'pacer', mesosDomain: 'mesos', framework: 'marathon', weight: 1 },
    edgeAddresses: [],
    addressOf: () => undefined,
    logger: { warn: () => undefined },
    serial: 1,
    onChange: () => undefined,
  });
  const watched = (id: string, host: string) => {
    const app = dnsApp(id, []);
    const tasks = [dnsTask(1, { host })];
    const look = (): typeof tasks => {
      looks += 1;
      return tasks;
    };
    return Object.defineProperty(app, 'tasks', { get: look });
  };
  for (let number = 0; number < 1_000; number += 1) {
    names.put(`/app-${number}`, watched(`/app-${number}`, `host-${number}.test`), new Map());
  }
  looks = 0;

  names.hostChanged('host-7.test');
  names.stop();

  expect(looks).toBeLessThan(10);
});
