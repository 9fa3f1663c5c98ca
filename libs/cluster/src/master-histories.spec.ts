import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addResources, containsResources, isTerminalTaskState, noResources } from '#core';
import type { MasterHarness } from './master.test-support.js';
import { History, step } from './master-history.test-support.js';

/** For a loaded machine, and for shrinking when it fails. */
const HISTORIES_LIMIT_MS = 120_000;

function checkLedgers(master: MasterHarness): void {
  const { state } = master;
  for (const agent of state.agents.values()) {
    const held = [
      ...[...agent.tasks].filter((task) => task.holdsResources),
      ...agent.offers,
    ].reduce((sum, one) => addResources(sum, one.resources), noResources);
    expect(containsResources(agent.total, held)).toBe(true);
    for (const task of agent.tasks) {
      expect(state.frameworks.get(task.frameworkId)?.tasks.get(task.id)).toBe(task);
      expect(task.holdsResources).toBe(
        !isTerminalTaskState(task.state) && agent.condition !== 'unreachable',
      );
    }
    if (agent.condition !== 'connected') expect(agent.offers.size).toBe(0);
  }
  for (const offer of state.offers.values()) {
    expect(state.frameworks.get(offer.frameworkId)?.streamId).toBeDefined();
  }
  for (const framework of state.frameworks.values()) {
    if (framework.streamId === undefined) expect(framework.offers.size).toBe(0);
  }
}

function checkMessages(master: MasterHarness): void {
  const launches = new Map<string, number>();
  for (const messages of master.sentToAgents.values()) {
    for (const [index, message] of messages.entries()) {
      expect(message.sequence).toBe(index + 1);
      if (message.type !== 'LAUNCH') continue;
      const { framework, task, launch_id } = message.launch;
      const launch = JSON.stringify([framework.id, task.task_id, launch_id]);
      const perStream = `${message.stream_id} ${launch}`;
      launches.set(perStream, (launches.get(perStream) ?? 0) + 1);
    }
  }
  for (const count of launches.values()) expect(count).toBe(1);
}

describe('the master, over random histories', () => {
  it(
    'keeps its ledgers straight: used never exceeds total, offers and tasks belong to the living',
    () => {
      fc.assert(
        fc.property(fc.array(step, { minLength: 40, maxLength: 120 }), (steps) => {
          const history = new History();
          for (const one of steps) {
            history.play(one);
            checkLedgers(history.master);
          }
          checkMessages(history.master);
        }),
        { numRuns: 100 },
      );
    },
    HISTORIES_LIMIT_MS,
  );
});
