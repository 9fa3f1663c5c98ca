import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answerQuestion, type DnsAnswer } from './answer-question.js';
import { allRecords, entry, HTTP_PORT, instance } from './dns.test-support.js';
import { dataTextOf } from './dns-record.js';
import { DnsZone } from './dns-zone.js';

const authority = {
  domains: ['pacer', 'mesos'],
  serial: 7,
  ttlSeconds: 5,
  negativeTtlSeconds: 5,
};
const limits = { maxRecords: 1_000, random: () => 0.5 };
const ask = (zone: DnsZone, name: string, type: string): DnsAnswer =>
  answerQuestion(zone, { name, type }, { authority, limits });
const zoneOf = (...ids: readonly string[]): DnsZone => {
  const zone = new DnsZone();
  for (const [index, id] of ids.entries()) {
    const address = `10.0.${index}.1`;
    zone.put(id, allRecords(entry(id, [instance(`t${id}`, { agentAddress: address })])));
  }
  return zone;
};

describe('answerQuestion', () => {
  it('says that a name is not there only if there is none at it or below', () => {
    const zone = zoneOf('/a/b/web');

    expect(ask(zone, 'web.b.a.pacer', 'A')).toMatchObject({ code: 'NOERROR' });
    const noData = { code: 'NOERROR', answers: [], authorities: [{ name: 'pacer', type: 'SOA' }] };
    expect(ask(zone, 'web.b.a.pacer', 'MX')).toMatchObject(noData);
    expect(ask(zone, 'web.b.a.pacer', 'AAAA')).toMatchObject(noData);
    expect(ask(zone, 'b.a.pacer', 'A')).toMatchObject(noData);
    expect(ask(zone, '_tcp.b.a.pacer', 'SRV')).toMatchObject(noData);
    expect(ask(zone, 'pacer', 'A')).toMatchObject(noData);
    expect(ask(zone, 'x.web.b.a.pacer', 'A')).toMatchObject({
      code: 'NXDOMAIN',
      authorities: [{ type: 'SOA', data: { serial: 7, minimum: 5 } }],
    });
    expect(ask(zone, 'eb.b.a.pacer', 'A')).toMatchObject({ code: 'NXDOMAIN' });
  });

  it('leaves names to others that are in no domain of ours', () => {
    const zone = zoneOf('/web');

    for (const name of ['example.com', 'notpacer', 'com', '', '9.9.9.9.in-addr.arpa', 'arpa']) {
      expect(ask(zone, name, 'A')).toEqual({ kind: 'foreign' });
    }
    expect(ask(zone, '1.0.0.10.in-addr.arpa', 'PTR')).toMatchObject({ code: 'NOERROR' });
    expect(ask(zone, '1.0.0.10.in-addr.arpa', 'A')).toMatchObject({ code: 'NOERROR', answers: [] });
  });

  it('brings the addresses of what SRV records point to', () => {
    const answer = ask(zoneOf('/a/web'), '_http._web._tcp.a.pacer', 'SRV');

    expect(answer).toMatchObject({
      answers: [{ type: 'SRV', data: { port: 31_000 } }],
      additionals: [{ type: 'A', data: '10.0.0.1' }],
    });
  });

  it('answers ANY by one set, and SOA by the serial of now', () => {
    expect(ask(zoneOf('/web'), 'web.pacer', 'ANY')).toMatchObject({ answers: [{ type: 'TXT' }] });
    expect(ask(zoneOf('/web'), 'mesos', 'SOA')).toMatchObject({
      answers: [{ name: 'mesos', data: { serial: 7, mname: 'ns.pacer' } }],
    });
  });

  it('answers both apps that have one name', () => {
    const zone = zoneOf('/x/my.app', '/x/app/my');

    const answer = ask(zone, 'my.app.x.pacer', 'A');

    expect(answer.kind === 'answer' && answer.answers.map(dataTextOf).sort()).toEqual([
      '10.0.0.1',
      '10.0.1.1',
    ]);
    expect(zone.conflicts).toContainEqual({
      name: 'my.app.x.pacer',
      sources: ['/x/app/my', '/x/my.app'],
    });
  });

  it('answers every record of the zone to who asks for it', () => {
    const id = fc
      .array(fc.stringMatching(/^[a-z0-9]{1,4}(\.[a-z0-9]{1,2})?$/), { minLength: 1, maxLength: 3 })
      .map((parts) => `/${parts.join('/')}`);
    const address = fc.oneof(fc.ipV4(), fc.ipV6());
    const made = fc.record({
      taskId: fc.string({ minLength: 1 }),
      agentAddress: address,
      ownAddresses: fc.array(address, { maxLength: 2 }),
      ports: fc.array(
        fc.record({
          name: fc.constantFrom('http', 'admin'),
          protocols: fc.constantFrom(['tcp'] as const, ['tcp', 'udp'] as const),
          at: fc.constantFrom('agent' as const, 'own' as const),
          port: fc.integer({ min: 1, max: 65_535 }),
        }),
        { maxLength: 3 },
      ),
    });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(id, fc.array(made, { maxLength: 4 })), { maxLength: 5 }),
        (apps) => {
          const zone = new DnsZone();
          for (const [one, instances] of apps) {
            const named = instances.map((extra) => instance(extra.taskId, extra));
            zone.put(one, allRecords(entry(one, named)));
          }

          for (const record of zone.all()) {
            const answer = ask(zone, record.name, record.type);
            const found = answer.kind === 'answer' ? answer.answers.map(dataTextOf) : [];
            expect(found).toContain(dataTextOf(record));
            if (record.type === 'SRV') {
              const glue = answer.kind === 'answer' ? answer.additionals : [];
              expect(glue.map(({ name }) => name)).toContain(record.data.target);
            }
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  it('gives no more records than it may', () => {
    const zone = new DnsZone();
    const many = Array.from({ length: 50 }, (_, index) =>
      instance(`t${index}`, { agentAddress: `10.1.0.${index}`, ports: [HTTP_PORT] }),
    );
    zone.put('/web', allRecords(entry('/web', many)));

    const answer = answerQuestion(
      zone,
      { name: 'web.pacer', type: 'A' },
      { authority, limits: { maxRecords: 8, random: () => 0.3 } },
    );

    expect(answer).toMatchObject({ answers: { length: 8 } });
  });
});
