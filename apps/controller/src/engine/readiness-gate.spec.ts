import { describe, expect, it } from 'vitest';
import { type App, appId } from '#core';
import { anApp } from '../../../../test/support/store-fixtures.js';
import { EngineHarness } from './engine-harness.test-support.js';

const web = (fields: Partial<App> = {}): App =>
  anApp('/web', {
    instances: 2,
    portDefinitions: [{ port: 10_000, protocol: 'tcp', name: 'http', labels: {} }],
    upgradeStrategy: { minimumHealthCapacity: 0.5, maximumOverCapacity: 0 },
    ...fields,
  });

const WITH_CHECK = web({
  cmd: 'sleep 2',
  readinessChecks: [
    {
      name: 'ready',
      protocol: 'HTTP',
      path: '/ready',
      portName: 'http',
      intervalSeconds: 1,
      timeoutSeconds: 1,
      httpStatusCodesForReady: [200],
      preserveLastResponse: false,
    },
  ],
});

const portsOf = (harness: EngineHarness): readonly number[] =>
  harness.engine.view
    .instancesOf(appId('/web'))
    .flatMap(({ instance }) => instance.hostPorts.flatMap((port) => port ?? []));

/** What every instance answers to the check of the new version. */
function answerEverywhere(harness: EngineHarness, passed: boolean): void {
  for (let port = 31_000; port <= 32_000; port += 1) {
    harness.prober.answer(`host-1:${port}`, { passed });
  }
}

const commands = (harness: EngineHarness): readonly (string | undefined)[] =>
  harness.cluster.running().map(({ info }) => info.command?.value);

async function anUpgradeToAReadinessCheck(): Promise<EngineHarness> {
  const harness = new EngineHarness();
  await harness.startWithoutRouters();
  await harness.put(web());
  await harness.clock.advance(2_000);
  answerEverywhere(harness, false);
  await harness.put(WITH_CHECK);
  return harness;
}

describe('a readiness check that comes with a new version', () => {
  it('does not count against the instances of the old one', async () => {
    const harness = await anUpgradeToAReadinessCheck();

    await harness.clock.advance(5_000);

    expect([...commands(harness)].sort()).toEqual(['sleep 100', 'sleep 2']);
    expect(harness.engine.view.deployments()).toHaveLength(1);
    answerEverywhere(harness, true);
    await harness.clock.advance(5_000);
    expect(commands(harness)).toEqual(['sleep 2', 'sleep 2']);
    expect(harness.engine.view.deployments()).toEqual([]);
  });

  it('asks only new instances', async () => {
    const harness = new EngineHarness();
    await harness.start();
    await harness.put(web());
    await harness.clock.advance(2_000);
    const old = portsOf(harness);

    await harness.put(WITH_CHECK);
    await harness.clock.advance(10);

    const asked = harness.prober.probed.map((key) => Number(key.split(':')[1]));
    expect(asked.filter((port) => old.includes(port))).toEqual([]);
  });

  it('loses nothing to a restart in the middle: what has no result yet is not failing', async () => {
    const harness = await anUpgradeToAReadinessCheck();
    await harness.clock.advance(2_000);

    harness.crash();
    await harness.startWithoutRouters();
    await harness.clock.advance(5_000);
    expect([...commands(harness)].sort()).toEqual(['sleep 100', 'sleep 2']);

    answerEverywhere(harness, true);
    await harness.clock.advance(5_000);
    expect(commands(harness)).toEqual(['sleep 2', 'sleep 2']);
  });
});
