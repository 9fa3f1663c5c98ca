import fc from 'fast-check';
import { isTerminalTaskState } from '#core';
import type { AgentTask } from '#mesos-v1';
import { commandTask, MasterHarness } from './master.test-support.js';

const UUID = 'AAAAAAAAAAAAAAAAAAAAAA==';
/** So many ids are used by all frameworks, again and again. */
const IDS = 9;
/** One thing that happens. */
export const step = fc.record({
  kind: fc.constantFrom(
    'launch',
    'launch',
    'running',
    'finished',
    'acknowledge',
    'wait',
    'subscribe',
    'disconnect',
    'teardown',
    'agent',
    'agent-stops',
    'agent-returns',
    'launch',
    'launch-twice',
    'decline',
    'running',
    'finished',
    'acknowledge',
    'kill',
    'reconcile',
    'wait',
  ),
  which: fc.nat({ max: 3 }),
  seconds: fc.integer({ min: 1, max: 15 }),
});
export type Step = { readonly kind: string; readonly which: number; readonly seconds: number };

/** Plays frameworks and agents against the reducer, as confused and as late as they may be. */
export class History {
  private readonly frameworks: { id: string; streamId: string }[] = [];
  private readonly agents: { id: string; streamId: string; applied: number }[] = [];
  private streams = 0;
  private tasks = 0;

  constructor(readonly master = new MasterHarness()) {
    for (const kind of ['subscribe', 'agent', 'subscribe', 'agent']) {
      this.play({ kind, which: 2, seconds: 1 });
    }
  }

  play({ kind, which, seconds }: Step): void {
    const { master } = this;
    const framework = this.frameworks[which % Math.max(1, this.frameworks.length)];
    const agent = this.agents[which % Math.max(1, this.agents.length)];
    if (kind === 'subscribe') {
      const streamId = this.stream();
      const id = which === 0 && framework !== undefined ? { id: framework.id } : {};
      this.frameworks.push({ id: master.subscribe(streamId, {}, id), streamId });
    } else if (kind === 'disconnect' && framework !== undefined) {
      master.dispatch({ kind: 'framework-stream-closed', streamId: framework.streamId });
    } else if (kind === 'teardown' && framework !== undefined && which === 1) {
      master.call(framework.id, framework.streamId, { type: 'TEARDOWN' });
    } else if (kind === 'agent' && this.agents.length < 3) {
      const streamId = this.stream();
      this.agents.push({ id: master.addAgent(streamId), streamId, applied: 1 });
    } else if (kind === 'agent-stops' && agent !== undefined) {
      master.dispatch({ kind: 'agent-stream-closed', streamId: agent.streamId });
    } else if (kind === 'agent-returns' && agent !== undefined) this.bringBack(agent, which);
    else if (kind.startsWith('launch') && framework !== undefined) {
      this.launch(framework, { times: kind === 'launch' ? 1 : 2 });
    } else if (kind === 'decline' && framework !== undefined) {
      const offers = [...master.state.offers.values()].map((offer) => ({ value: offer.id }));
      master.call(framework.id, framework.streamId, {
        type: 'DECLINE',
        decline: { offer_ids: offers, filters: { refuse_seconds: seconds } },
      });
    } else if (kind === 'wait') master.advance(seconds * 1000);
    else this.touchTask(kind, which);
    master.allocate();
  }

  private bringBack(agent: { id: string; streamId: string; applied: number }, which: number): void {
    const { master } = this;
    const known = [...master.state.agents.values()].find((one) => one.id === agent.id);
    const tasks = [...(known?.tasks ?? [])]
      .filter((task) => task.launchPosition === undefined && !isTerminalTaskState(task.state))
      .map(
        (task): AgentTask => ({
          framework_id: { value: task.frameworkId },
          task: task.info,
          state: 'TASK_RUNNING',
          latest_status: { task_id: { value: task.id }, state: 'TASK_RUNNING' },
          ...(task.launchId === undefined ? {} : { launch_id: task.launchId }),
        }),
      );
    const old = agent.streamId;
    agent.streamId = this.stream();
    master.addAgent(agent.streamId, {
      id: agent.id,
      tasks: which === 3 ? tasks.slice(1) : tasks,
      lastApplied: { epoch: 1, stream_id: old, sequence: which * 2 },
    });
  }

  private launch(framework: { id: string; streamId: string }, options: { times: number }): void {
    const { master } = this;
    const offer = master.offersOf(framework.streamId).at(-1);
    if (offer === undefined) return;
    for (let time = 0; time < options.times; time += 1) {
      const tasks = [1, 2].map(() => {
        this.tasks += 1;
        return commandTask(`t${this.tasks % IDS}`, offer.agent_id.value);
      });
      master.launch(framework.id, framework.streamId, offer, tasks);
    }
  }

  private touchTask(kind: string, which: number): void {
    const { master } = this;
    const all = [...master.state.frameworks.values()].flatMap((one) => [...one.tasks.values()]);
    const task = all[which % Math.max(1, all.length)];
    const framework = this.frameworks.find((one) => one.id === task?.frameworkId);
    const agent = this.agents.find((one) => one.id === task?.agentId);
    if (task === undefined || framework === undefined || agent === undefined) return;
    const where = { agent: agent.id, streamId: agent.streamId, framework: framework.id };
    if (kind === 'running' || kind === 'finished') {
      const state = kind === 'running' ? 'TASK_RUNNING' : 'TASK_FINISHED';
      master.update(where, { taskId: task.id, state, uuid: UUID });
    } else if (kind === 'acknowledge') {
      master.call(framework.id, framework.streamId, {
        type: 'ACKNOWLEDGE',
        acknowledge: {
          agent_id: { value: agent.id },
          task_id: { value: task.id },
          uuid: UUID,
        },
      });
    } else if (kind === 'kill') {
      const kill = { task_id: { value: task.id } };
      master.call(framework.id, framework.streamId, { type: 'KILL', kill });
    } else if (kind === 'reconcile') {
      master.call(framework.id, framework.streamId, {
        type: 'RECONCILE',
        reconcile: { tasks: [] },
      });
    }
  }

  private stream(): string {
    this.streams += 1;
    return `stream-${this.streams}`;
  }
}
