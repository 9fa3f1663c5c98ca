import type { MasterChange } from '#cluster';
import { amountsOfAgent, amountsOfFramework } from '../reads/parts.js';
import type { ReadContext } from '../reads/read-context.js';
import { viewAgent, viewFramework, viewOffer, viewTask } from './operator-views.js';

/** An event of the v1 operator stream: its type, and its content under the lower-case name of the type. */
export interface OperatorEvent {
  readonly type: string;
}

/** What subscribers are told of a change. An agent that comes back with news of itself is told as added again. */
export function toOperatorEvent(context: ReadContext, change: MasterChange): OperatorEvent {
  switch (change.kind) {
    case 'task-added': {
      const task = viewTask(change.task, change.task.frameworkId);
      return event('TASK_ADDED', { task });
    }
    case 'task-updated': {
      const { task, status } = change;
      return event('TASK_UPDATED', {
        framework_id: { value: task.frameworkId },
        // Nobody was told, so there is no status: the framework was torn down.
        status: status ?? {
          task_id: { value: task.id },
          agent_id: { value: task.agentId },
          state: task.state,
          source: 'SOURCE_MASTER',
        },
        state: task.state,
      });
    }
    case 'agent-added': {
      const agent = viewAgent(change.agent, amountsOfAgent(context, change.agent));
      return event('AGENT_ADDED', { agent });
    }
    case 'agent-removed':
      return event('AGENT_REMOVED', { agent_id: { value: change.agent.id } });
    case 'framework-added':
      return event('FRAMEWORK_ADDED', { framework: frameworkOf(context, change.framework) });
    case 'framework-updated':
      return event('FRAMEWORK_UPDATED', { framework: frameworkOf(context, change.framework) });
    case 'framework-removed':
      return event('FRAMEWORK_REMOVED', { framework_info: change.framework.info });
    default:
      return change satisfies never;
  }
}

const event = (type: string, content: object): OperatorEvent => ({
  type,
  [type.toLowerCase()]: content,
});

const frameworkOf = (
  context: ReadContext,
  framework: Extract<MasterChange, { readonly kind: 'framework-added' }>['framework'],
): object => ({
  ...viewFramework(framework, amountsOfFramework(context, framework)),
  offers: [...framework.offers].map(viewOffer),
});
