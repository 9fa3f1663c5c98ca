import { frameworkId } from '#core';
import type { AgentTask, FrameworkInfo } from '#mesos-v1';
import { sendToAgent } from './master-agent-messages.js';
import type { AgentSubscription, MasterTurn } from './master-events.js';
import { adoptExecutor } from './master-executors.js';
import { failoverTimeoutMs } from './master-framework-info.js';
import { ensureFramework, RECOVERY_GRACE_MS } from './master-frameworks.js';
import type { Agent, Executor, Framework } from './master-state.js';

/** What an agent that comes back brings beside its tasks: frameworks and executors. */

/** Executors the agent has, with or without tasks; those of frameworks that are gone are shut down with them. */
export function takeExecutors(
  turn: MasterTurn,
  agent: Agent,
  subscription: AgentSubscription,
): ReadonlySet<Executor> {
  const taken = new Set<Executor>();
  const infos = new Map(subscription.frameworks.map((info) => [info.id?.value, info]));
  for (const one of subscription.executors ?? []) {
    const id = frameworkId(one.framework_id.value);
    if (turn.state.completedFrameworks.has(id)) {
      sendToAgent(turn, agent, {
        type: 'SHUTDOWN_FRAMEWORK',
        shutdown_framework: { framework_id: { value: id } },
      });
      continue;
    }
    const info = infos.get(id) ?? { user: '', name: id, id: { value: id } };
    const framework = ensureRecoveredFramework(turn, one, info);
    taken.add(adoptExecutor(turn, agent, framework, one));
  }
  return taken;
}

/** A framework an agent has something of; it has time to subscribe when it is new to this master. */
export function ensureRecoveredFramework(
  turn: MasterTurn,
  one: Pick<AgentTask, 'framework_id'>,
  info: FrameworkInfo,
): Framework {
  const framework = ensureFramework(turn, frameworkId(one.framework_id.value), info);
  if (framework.streamId === undefined) {
    framework.failoverDeadlineMonoMs ??=
      turn.now.monoMs + Math.max(failoverTimeoutMs(framework.info), RECOVERY_GRACE_MS);
  }
  return framework;
}
