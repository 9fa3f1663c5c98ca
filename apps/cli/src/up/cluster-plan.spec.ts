import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ClusterPlanInput, DEFAULT_PORTS, planCluster, splitRange } from './cluster-plan.js';

const input: ClusterPlanInput = {
  host: '127.0.0.1',
  scheme: 'http',
  dataDirectory: '/data',
  databaseUrl: 'postgres://db',
  uiDirectory: '/ui',
  agents: 1,
  ports: DEFAULT_PORTS,
  capacity: { cpus: 2, memMib: 2048, diskMib: 9000, taskPorts: { begin: 31000, end: 32000 } },
};

describe('planCluster', () => {
  it('starts one of each on the ports of the product', () => {
    const plan = planCluster(input);

    expect(plan.map(({ name, port }) => [name, port])).toEqual([
      ['master', 5050],
      ['controller', 8080],
      ['agent-1', 5051],
      ['router', 9090],
    ]);
  });

  it('has daemons speak TLS to each other, by an address a certificate can be for', () => {
    const plan = planCluster({ ...input, host: '0.0.0.0', scheme: 'https' });

    const agent = plan.find(({ name }) => name === 'agent-1');
    expect(agent?.url).toBe('https://127.0.0.1:5051');
    expect(agent?.environment).toMatchObject({
      PACER_HOST: '0.0.0.0',
      PACER_MASTER_URLS: 'https://127.0.0.1:5050',
    });
  });

  it('gives the database to the controller and the master only', () => {
    const plan = planCluster(input);

    const withDatabase = plan.filter(({ environment }) => 'DATABASE_URL' in environment);
    expect(withDatabase.map(({ name }) => name)).toEqual(['master', 'controller']);
  });

  it('leaves the resources of a single agent for it to detect', () => {
    const agent = planCluster(input).find(({ name }) => name === 'agent-1');

    expect(Object.keys(agent?.environment ?? {})).toEqual([
      'PACER_HOST',
      'PACER_PORT',
      'PACER_DATA',
      'PACER_MASTER_URLS',
    ]);
  });

  it('divides the machine between several agents', () => {
    const agents = planCluster({ ...input, agents: 3 }).filter(
      ({ program }) => program === 'agent',
    );

    expect(agents.map(({ environment }) => environment['PACER_AGENT_PORTS'])).toEqual([
      '31000-31332',
      '31333-31666',
      '31667-32000',
    ]);
    expect(agents.map(({ environment }) => environment['PACER_AGENT_CPUS'])).toEqual([
      '0.666',
      '0.666',
      '0.666',
    ]);
    expect(agents.map(({ port }) => port)).toEqual([5051, 5052, 5053]);
  });

  it('keeps HAProxy off the ports of daemons and tasks', () => {
    const router = planCluster({ ...input, agents: 2 }).find(({ name }) => name === 'router');

    expect(router?.environment['PACER_RESERVED_PORTS']).toBe('8080,5050,5051,5052,31000-32000');
  });

  it('tells the controller which ports no app can have, so that it refuses and assigns none of them', () => {
    const ports = { ...input.ports, api: 18_080, edgeHttp: 10_080, dns: 10_053 };
    const controller = planCluster({ ...input, agents: 2, ports }).find(
      ({ name }) => name === 'controller',
    );

    expect(controller?.environment['PACER_RESERVED_PORTS']).toBe(
      '18080,5050,5051,5052,9090,10080,8443,10053',
    );
  });
});

describe('splitRange', () => {
  it('covers the range without gap or overlap', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 60, max: 2000 }),
        (parts, count) => {
          const range = { begin: 100, end: 100 + count - 1 };
          const pieces = Array.from({ length: parts }, (_, index) =>
            splitRange(range, parts, index),
          );

          expect(pieces[0]?.begin).toBe(range.begin);
          expect(pieces.at(-1)?.end).toBe(range.end);
          for (const [index, piece] of pieces.entries()) {
            expect(piece.end).toBeGreaterThanOrEqual(piece.begin);
            if (index > 0) expect(piece.begin).toBe((pieces[index - 1]?.end ?? 0) + 1);
          }
        },
      ),
    );
  });
});
