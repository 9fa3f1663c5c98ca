/** Sections 2.5 and 2.6 of the contract, row by row: constraints and checks. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WireAttribute } from '#mesos-v1';
import { DEFAULT_ENGINE_OPTIONS } from '../engine/engine-ports.js';
import { toOffer } from '../engine/fake-offers.test-support.js';
import { toMatchableOffer } from '../engine/matchable-offer.js';
import { type AppDeclarations, startDeclarations } from './declare-apps.test-support.js';
import { decidedOtherwise, shownBy } from './shown-by.test-support.js';

type Fields = Readonly<Record<string, unknown>>;

let apps: AppDeclarations;
beforeAll(async () => {
  apps = await startDeclarations();
});
afterAll(() => apps.api.daemon.close());

describe('2.5 Constraints', () => {
  const CONSTRAINTS = 'libs/matcher/src/constraints.spec.ts';
  const rule = (...constraint: readonly unknown[]) => ({ constraints: [constraint] });

  it('operators are read in any case', () =>
    apps.check({
      field: 'constraints',
      good: [
        [rule('hostname', 'unique'), [['hostname', 'UNIQUE']]],
        [rule('@hostname', 'Group_By', '2'), [['@hostname', 'GROUP_BY', '2']]],
      ],
      bad: [
        [rule('hostname', 'NEAR'), '/constraints(0)'],
        [rule('', 'UNIQUE'), '/constraints(0)'],
      ],
    }));

  shownBy(
    'fields: hostname, @hostname, @region, @zone, attributes',
    CONSTRAINTS,
    'UNIQUE: no other instance has this value',
  );
  shownBy(
    'an agent without the field',
    CONSTRAINTS,
    'an agent without the field passes only UNLIKE',
  );

  it.each<[string, WireAttribute, string]>([
    ['a text', { name: 'a', type: 'TEXT', text: { value: 'x' } }, 'x'],
    ['a whole number', { name: 'a', type: 'SCALAR', scalar: { value: 2 } }, '2'],
    ['at most 3 decimals', { name: 'a', type: 'SCALAR', scalar: { value: 1.23456 } }, '1.235'],
    ['a set, sorted', { name: 'a', type: 'SET', set: { item: ['c', 'a', 'b'] } }, '{a,b,c}'],
    [
      'ranges',
      {
        name: 'a',
        type: 'RANGES',
        ranges: {
          range: [
            { begin: 1, end: 2 },
            { begin: 5, end: 7 },
          ],
        },
      },
      '[1-2,5-7]',
    ],
  ])('attributes are compared as text: %s', (_what, attribute, text) => {
    const agent = { id: 'a1', hostname: 'h-1', cpus: 1 };
    const offer = toOffer('o1', agent, { cpus: 1, ports: [], role: '*', reserved: [] });

    expect(toMatchableOffer({ ...offer, attributes: [attribute] }).attributes['a']).toBe(text);
  });

  it.each<[string, readonly (string | undefined)[], readonly (string | undefined)[]]>([
    ['UNIQUE', [undefined, ''], ['x']],
    ['CLUSTER', [undefined, '', 'x'], []],
    ['GROUP_BY', [undefined, '', '3'], ['x', '-1', '1.5']],
    ['LIKE', ['a.*', ''], [undefined, '(', '*']],
    ['UNLIKE', ['a.*', ''], [undefined, '(', '*']],
    ['MAX_PER', ['0', '7'], [undefined, '', 'x', '-1', '1.5']],
    ['IS', ['a-Z_0/9.', '1.50', ''], [undefined, 'a b', 'ä', 'a*']],
  ])('the value of %s', async (operator, good, bad) => {
    const withValue = (value: string | undefined) =>
      rule('rack', operator, ...(value === undefined ? [] : [value]));
    const answerTo = async (value: string | undefined) => {
      const outcome = await apps.declare(withValue(value));
      return [value, typeof outcome === 'string' ? outcome : 'taken'];
    };

    const outcomes = await Promise.all([...good, ...bad].map(answerTo));

    expect(outcomes).toEqual([
      ...good.map((value) => [value, 'taken']),
      ...bad.map((value) => [value, '422 /constraints(0)']),
    ]);
  });

  shownBy('UNIQUE', CONSTRAINTS, 'UNIQUE: no other instance has this value');
  shownBy('CLUSTER', CONSTRAINTS, 'CLUSTER: the given value, or that of the first instance');
  shownBy('GROUP_BY', CONSTRAINTS, 'GROUP_BY with a number: the groups stay even');
  decidedOtherwise('GROUP_BY without a value', 'GROUP_BY without a value divides by zero');
  shownBy('LIKE and UNLIKE', CONSTRAINTS, 'LIKE and UNLIKE match the whole value');
  decidedOtherwise('any regular expression', 'LIKE takes any Java pattern');
  shownBy('MAX_PER', CONSTRAINTS, 'MAX_PER: fewer than that many of the value');
  shownBy('IS', CONSTRAINTS, 'IS: equal, numbers by value');
  shownBy(
    'old instances about to be replaced do not block placement',
    'libs/matcher/src/match-offer.spec.ts',
    'lets instances of another configuration not block placement',
  );
  decidedOtherwise('only the region of the scheduler', 'only the scheduler’s own region');
});

describe('2.6 Checks', () => {
  const PORTS = { portDefinitions: [{ name: 'http-api' }, { name: 'admin' }] };
  const health = (...healthChecks: readonly Fields[]) => ({ ...PORTS, healthChecks });
  const TIMES = {
    ...{ gracePeriodSeconds: 300, intervalSeconds: 60, timeoutSeconds: 20 },
    ...{ maxConsecutiveFailures: 3, delaySeconds: 15 },
  };
  const NET = { ...TIMES, ipProtocol: 'IPv4', portIndex: 0 };
  const HTTP = { ...NET, ignoreHttp1xx: false };
  const COMMAND = { protocol: 'COMMAND', command: { value: 'x' } };
  const HEALTH_STATE = 'libs/core/src/health-state.spec.ts';
  const PROBES = 'libs/probes/src/prober.spec.ts';

  it('healthChecks: defaults, by protocol', () =>
    apps.check({
      field: 'healthChecks',
      good: [
        [health({}), [{ ...HTTP, protocol: 'HTTP' }]],
        [health({ protocol: 'HTTPS' }), [{ ...HTTP, protocol: 'HTTPS' }]],
        [health({ protocol: 'TCP' }), [{ ...NET, protocol: 'TCP' }]],
        [health({ protocol: 'MESOS_HTTP' }), [{ ...HTTP, protocol: 'MESOS_HTTP' }]],
        [health({ protocol: 'MESOS_HTTPS' }), [{ ...HTTP, protocol: 'MESOS_HTTPS' }]],
        [health({ protocol: 'MESOS_TCP' }), [{ ...NET, protocol: 'MESOS_TCP' }]],
        [health(COMMAND), [{ ...TIMES, ...COMMAND }]],
      ],
      bad: [[health({ protocol: 'UDP' }), '/healthChecks(0)/protocol']],
    }));

  it('healthChecks: fields and bounds', () => {
    const all = {
      ...{
        protocol: 'HTTP',
        path: '/a?b=c',
        portIndex: 1,
        ignoreHttp1xx: true,
        ipProtocol: 'IPv4',
      },
      ...{ gracePeriodSeconds: 0, intervalSeconds: 1, timeoutSeconds: 1 },
      ...{ maxConsecutiveFailures: 0, delaySeconds: 0 },
    };
    const { portIndex: _index, ...onPort } = { ...all, port: 65_535 };
    return apps.check({
      field: 'healthChecks',
      good: [
        [health(all), [all]],
        [health(onPort), [onPort]],
      ],
      bad: [
        ...(['gracePeriodSeconds', 'maxConsecutiveFailures', 'delaySeconds'] as const).map(
          (field) => [health({ [field]: -1 }), `/healthChecks(0)/${field}`] as const,
        ),
        ...(['intervalSeconds', 'timeoutSeconds'] as const).map(
          (field) => [health({ [field]: 0 }), `/healthChecks(0)/${field}`] as const,
        ),
        [health({ path: '/a b' }), '/healthChecks(0)/path'],
        [health({ protocol: 'TCP', path: '/' }), '/healthChecks(0)/path'],
        [health({ port: 65_536 }), '/healthChecks(0)/port'],
        [health({ port: 1, portIndex: 0 }), '/healthChecks(0)'],
        [health({ portIndex: 2 }), '/healthChecks(0)/portIndex'],
        [health({ portIndex: -1 }), '/healthChecks(0)/portIndex'],
        [{ portDefinitions: [], healthChecks: [{}] }, '/healthChecks(0)'],
        [health({ protocol: 'COMMAND' }), '/healthChecks(0)/command'],
        [health({ ...COMMAND, command: {} }), '/healthChecks(0)/command/value'],
        [health({ command: { value: 'x' } }), '/healthChecks(0)/command'],
      ],
    });
  });

  it('healthChecks: at most one MESOS_* check, several commands', () =>
    apps.check({
      field: 'healthChecks',
      good: [
        [
          health(COMMAND, { ...COMMAND, command: { value: 'y' } }, {}),
          [
            { ...TIMES, ...COMMAND },
            { ...TIMES, ...COMMAND, command: { value: 'y' } },
            { ...HTTP, protocol: 'HTTP' },
          ],
        ],
      ],
      bad: [
        [health({ protocol: 'MESOS_HTTP' }, { protocol: 'MESOS_TCP' }), '/healthChecks'],
        [health({ protocol: 'MESOS_HTTP' }, COMMAND), '/healthChecks'],
      ],
    }));

  it('healthChecks: IPv6 for MESOS_* checks of DOCKER containers', async () => {
    const container = { docker: { image: 'busybox' } };
    const check = { protocol: 'MESOS_HTTP', ipProtocol: 'IPv6' };
    const path = '422 /healthChecks(0)/ipProtocol';

    expect(await apps.declare({ ...health(check), container })).toMatchObject({
      healthChecks: [check],
    });
    expect(await apps.declare({ ...health({ ...check, protocol: 'HTTP' }), container })).toBe(path);
    expect(await apps.declare(health(check))).toBe(path);
  });

  shownBy(
    'MESOS_* and COMMAND are run by the agent',
    'apps/controller/src/engine/task-checks.spec.ts',
    "])('gives the agent %s'",
  );
  shownBy(
    'passing is HTTP 200 to 399',
    PROBES,
    'judges HTTP %i as passed: %s, following no redirect',
  );
  shownBy(
    'HTTPS never verifies certificates',
    PROBES,
    'asks over HTTPS whoever signed the certificate',
  );

  it('check: http, tcp or exec, with defaults', () => {
    const times = { intervalSeconds: 60, timeoutSeconds: 20, delaySeconds: 15 };
    const exec = { command: { shell: 'true' } };
    const others = { intervalSeconds: 1, timeoutSeconds: 1, delaySeconds: 0 };
    const check = (fields: Fields) => ({ ...PORTS, check: fields });
    return apps.check({
      field: 'check',
      good: [
        [
          check({ http: { portIndex: 1, path: '/x', scheme: 'HTTPS' }, ...others }),
          { http: { portIndex: 1, path: '/x', scheme: 'HTTPS' }, ...others },
        ],
        [check({ http: { port: 80 } }), { http: { port: 80 }, ...times }],
        [check({ tcp: { portIndex: 0 } }), { tcp: { portIndex: 0 }, ...times }],
        [check({ exec }), { exec, ...times }],
      ],
      bad: [
        [check({}), '/check'],
        [check({ tcp: {}, exec }), '/check'],
        [check({ http: { portIndex: 2 } }), '/check/http/portIndex'],
        [check({ http: { port: 1, portIndex: 0 } }), '/check/http'],
        [check({ http: { scheme: 'ftp' } }), '/check/http/scheme'],
        [check({ tcp: {}, intervalSeconds: 0 }), '/check/intervalSeconds'],
        [check({ tcp: {}, timeoutSeconds: 0 }), '/check/timeoutSeconds'],
        [check({ tcp: {}, delaySeconds: -1 }), '/check/delaySeconds'],
        [check({ exec: { command: {} } }), '/check/exec/command'],
      ],
    });
  });

  shownBy(
    'check is informational: its result is checkResult of the task',
    'apps/controller/src/engine/status-updates.spec.ts',
    'shows what a check saw, and counts no result of health that stands in its status',
  );

  it('readinessChecks: defaults, fields and bounds', () => {
    const ready = (fields: Fields) => ({ ...PORTS, readinessChecks: [fields] });
    const defaults = {
      ...{ name: 'readinessCheck', protocol: 'HTTP', path: '/', portName: 'http-api' },
      ...{ intervalSeconds: 30, timeoutSeconds: 10, httpStatusCodesForReady: [200] },
      preserveLastResponse: false,
    };
    const all = {
      ...{ name: 'mine', protocol: 'HTTPS', path: '/x', portName: 'admin' },
      ...{ intervalSeconds: 2, timeoutSeconds: 1, httpStatusCodesForReady: [200, 204] },
      preserveLastResponse: true,
    };
    const path = '/readinessChecks(0)';
    return apps.check({
      field: 'readinessChecks',
      good: [
        [ready({}), [defaults]],
        [ready(all), [all]],
      ],
      bad: [
        [ready({ protocol: 'TCP' }), `${path}/protocol`],
        [ready({ portName: 'nowhere' }), `${path}/portName`],
        [ready({ timeoutSeconds: 0 }), `${path}/timeoutSeconds`],
        [ready({ timeoutSeconds: 30 }), `${path}/timeoutSeconds`],
        [ready({ httpStatusCodesForReady: [] }), `${path}/httpStatusCodesForReady`],
        [ready({ httpStatusCodesForReady: [99] }), `${path}/httpStatusCodesForReady(0)`],
      ],
    });
  });

  shownBy(
    'readiness is asked during a deployment, of new instances',
    'apps/controller/src/engine/readiness-gate.spec.ts',
    'asks only new instances',
  );
  shownBy(
    'a query that fails counts as 504, not ready',
    'apps/controller/src/contract/section-3-1.contract.spec.ts',
    'a readiness query that fails counts as 504',
  );

  decidedOtherwise('first run after min(interval, 5 s)', 'first check after min(interval, 5 s)');

  it('at most 256 checks of the controller run at once', () => {
    expect(DEFAULT_ENGINE_OPTIONS.maxConcurrentProbes).toBe(256);
  });

  shownBy('a bounded number runs', PROBES, 'runs a bounded number at once, in order');
  shownBy(
    'grace period',
    HEALTH_STATE,
    'ignores failures in the grace period until the first success',
  );
  shownBy(
    'maxConsecutiveFailures 0 never kills',
    HEALTH_STATE,
    'never condemns when the maximum is 0',
  );
  decidedOtherwise(
    'for MESOS_* 0 kills on the first failure',
    '`maxConsecutiveFailures: 0` of a `MESOS_*` check',
  );
  shownBy('the threshold', HEALTH_STATE, 'condemns at exactly the maximum, once');
  decidedOtherwise('a kill at failure max + 1', 'health kill at failure max + 1');
  shownBy(
    'unreachable instances are not killed',
    'apps/controller/src/engine/health-monitor.spec.ts',
    'pause while their instance is unreachable, and condemn nobody',
  );
  shownBy('alive', HEALTH_STATE, 'is alive exactly when the last counted result passed');
  shownBy(
    'a replacement starts before the kill, unlike in Marathon',
    'apps/controller/src/engine/engine.spec.ts',
    'waits for health and replaces an unhealthy instance before it kills it',
  );
});
