import { expect } from 'vitest';
import { type ApiUnderTest, startApi } from '../controller-api.test-support.js';
import { EngineHarness } from '../engine/engine-harness.test-support.js';
import { EventHub } from '../events/event-hub.js';

/** Virtual milliseconds that pass in each turn of the event loop. */
const TURN_MS = 20;

/** The API around the real engine over a fake cluster, on virtual time that passes by itself. */
export interface ContractUnderTest {
  readonly api: ApiUnderTest;
  readonly harness: EngineHarness;
  /** Lets virtual time pass until `isTrue`; the test's own limit is the bound. */
  until(isTrue: () => boolean): Promise<void>;
  /** Until no deployment runs. */
  idle(): Promise<void>;
  /** Declares apps and waits until they run. */
  run(...apps: readonly Readonly<Record<string, unknown>>[]): Promise<void>;
  close(): Promise<void>;
}

export async function startContract(
  ...options: ConstructorParameters<typeof EngineHarness>
): Promise<ContractUnderTest> {
  const harness = new EngineHarness(...options);
  await harness.start();
  const api = await startApi({ isLoaded: false });
  api.runtime.open({ engine: harness.engine, store: harness.store });
  const hub = api.app.get(EventHub);
  let isOpen = true;
  let published = harness.events.length;
  const flow = async (): Promise<void> => {
    while (isOpen) {
      await harness.clock.advance(TURN_MS);
      const news = harness.events.slice(published);
      published = harness.events.length;
      if (news.length > 0) hub.publish(news);
      await new Promise(setImmediate);
    }
  };
  const flowing = flow();
  const until = async (isTrue: () => boolean): Promise<void> => {
    while (!isTrue()) await new Promise(setImmediate);
  };
  const idle = () => until(() => harness.engine.view.deployments().length === 0);
  return {
    api,
    harness,
    until,
    idle,
    async run(...apps) {
      const full = apps.map((app) => ({ cmd: 'x', cpus: 0.1, ...app }));
      expect((await api.ask('PUT', '/v2/apps', full)).statusCode).toBe(200);
      await idle();
    },
    async close() {
      isOpen = false;
      await flowing;
      harness.crash();
      await api.daemon.close();
    },
  };
}
