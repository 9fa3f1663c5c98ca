import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toVipRecords } from './app-records.js';
import { allRecords, entry, HTTP_PORT, instance, NAMING } from './dns.test-support.js';
import { dataTextOf } from './dns-record.js';

const lines = (made: ReturnType<typeof allRecords>): readonly string[] =>
  made.records.map((record) => `${record.name} ${record.type} ${dataTextOf(record)}`);
const labelIn = (made: ReturnType<typeof allRecords>, pattern: RegExp): string =>
  made.records.map(({ name }) => pattern.exec(name)?.[0]).find(Boolean) ?? 'none';

describe('toAppRecords and toInstanceRecords', () => {
  it('names an app, its instance, its ports, and the way back', () => {
    const made = allRecords(entry('/a/b/web', [instance('t1._app.1')]));
    const own = labelIn(made, /^i-\w{8}/);
    const canonical = labelIn(made, /^web-b-a-\w{5}-s1/);

    expect(lines(made)).toEqual([
      'web.b.a.pacer TXT "version=v1"',
      'web.b.a.pacer A 10.0.0.1',
      `${own}.web.b.a.pacer A 10.0.0.1`,
      `${own}.web.b.a.pacer TXT "version=v1" "task=t1._app.1"`,
      `1.0.0.10.in-addr.arpa PTR ${own}.web.b.a.pacer`,
      `_web._tcp.b.a.pacer SRV 0 1 31000 ${own}.web.b.a.pacer`,
      `_http._web._tcp.b.a.pacer SRV 0 1 31000 ${own}.web.b.a.pacer`,
      'web-b-a.marathon.mesos A 10.0.0.1',
      `${canonical}.marathon.mesos A 10.0.0.1`,
      'web-b-a.marathon.slave.mesos A 10.0.0.1',
      `${canonical}.marathon.slave.mesos A 10.0.0.1`,
      `_web-b-a._tcp.marathon.mesos SRV 0 1 31000 ${canonical}.marathon.mesos`,
      `_http._web-b-a._tcp.marathon.mesos SRV 0 1 31000 ${canonical}.marathon.mesos`,
      `_web-b-a._tcp.marathon.slave.mesos SRV 0 1 31000 ${canonical}.marathon.slave.mesos`,
      `_http._web-b-a._tcp.marathon.slave.mesos SRV 0 1 31000 ${canonical}.marathon.slave.mesos`,
    ]);
  });

  it('gives a launch that follows another of the same instance the same name', () => {
    const label = (taskId: string) =>
      labelIn(allRecords(entry('/web', [instance(taskId)])), /^i-\w{8}/);

    expect(label('web.instance-1._app.2')).toBe(label('web.instance-1._app.1'));
    expect(label('web.instance-2._app.1')).not.toBe(label('web.instance-1._app.1'));
  });

  it('reaches ports at the instance by its own addresses, of both families', () => {
    const made = allRecords(
      entry('/db', [
        instance('t', {
          ownAddresses: ['172.16.0.2', 'fd00::2'],
          ports: [{ name: 'pg', protocols: ['tcp', 'udp'], at: 'own', port: 5432 }],
        }),
      ]),
    );
    const text = lines(made);

    expect(text).toContain('db.pacer A 172.16.0.2');
    expect(text).toContain('db.pacer AAAA fd00::2');
    expect(text).not.toContain('db.pacer A 10.0.0.1');
    expect(text.some((line) => /^_pg\._db\._udp\.pacer SRV 0 1 5432 i-/.test(line))).toBe(true);
    // There is nothing on that port of the agent.
    expect(text.filter((line) => line.includes('.slave.mesos SRV'))).toEqual([]);
    expect(text).toContain('db.marathon.slave.mesos A 10.0.0.1');
  });

  it('has a name for each place when ports are at both', () => {
    const made = allRecords(
      entry('/db', [
        instance('t', {
          ownAddresses: ['172.16.0.2'],
          ports: [HTTP_PORT, { protocols: ['tcp'], at: 'own', port: 9000 }],
        }),
      ]),
    );
    const other = made.records.find(({ name }) => name.startsWith('own-i-'));

    expect(other).toMatchObject({ type: 'A', data: '172.16.0.2' });
    expect(lines(made)).toContain(`_db._tcp.pacer SRV 0 1 9000 ${other?.name}`);
  });

  it('parts labels at dots, cuts labels that are too long without mixing them up, and tells what is too long', () => {
    const claims = (id: string) => allRecords(entry(id, [instance('t')])).claims;
    const long = 'x'.repeat(70);

    expect(claims('/x/my.app')[0]).toBe('my.app.x.pacer');
    expect(claims(`/${long}1`)[0]).toMatch(/^x{54}-\w{8}\.pacer$/);
    expect(claims(`/${long}1`)[0]).not.toBe(claims(`/${long}2`)[0]);
    // Mesos-DNS cuts, so two may meet there: both are answered, and told.
    expect(claims(`/${long}1`)[1]).toBe(`${'x'.repeat(63)}.marathon.mesos`);
    const deep = `/${Array.from({ length: 62 }, () => 'abc').join('/')}`;
    const made = allRecords(entry(`${deep}/x`, [instance('t')]));
    expect(made.problems).toEqual([expect.stringContaining('253 characters')]);
  });

  it('makes only names a message can carry, whatever the id', () => {
    const part = fc.stringMatching(/^[a-zA-Z0-9._-]{0,80}$/);
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), part, fc.string(), (parts, port, taskId) => {
        const id = `/${parts.join('/')}`;
        const ports = [{ ...HTTP_PORT, name: port }];
        const made = allRecords(entry(id, [instance(taskId, { ports })]));

        for (const record of made.records) {
          const target = record.type === 'SRV' ? [record.data.target] : [];
          for (const name of [record.name, ...target]) {
            expect(name.length).toBeLessThanOrEqual(253);
            expect(name).toMatch(/^(?:[a-z0-9_-]{1,63}\.)+[a-z0-9]+$/);
          }
        }
        expect(made.records.length + made.problems.length).toBeGreaterThan(0);
      }),
    );
  });
});

describe('toVipRecords', () => {
  it('gives the routers and the ports they listen on', () => {
    const app = { id: '/a/web', ports: [{ port: 10_000, name: 'http' }] };

    expect(lines(toVipRecords(app, ['192.0.2.1', '2001:db8::1'], NAMING))).toEqual([
      'web.a.vip.pacer A 192.0.2.1',
      'web.a.vip.pacer AAAA 2001:db8::1',
      '_web._tcp.a.vip.pacer SRV 0 1 10000 web.a.vip.pacer',
      '_http._web._tcp.a.vip.pacer SRV 0 1 10000 web.a.vip.pacer',
    ]);
  });
});
