import type { EngineContext } from './engine-context.js';
import { changeInstance } from './instance-changes.js';

/** What a master says, for good, to a framework that was torn down or away for longer than its failover timeout. */
export const FRAMEWORK_REMOVED = 'Framework has been removed';

const KILLED = {
  state: 'TASK_KILLED',
  message: 'the master removed the framework and killed its tasks',
} as const;

/**
 * Our framework is no more, and neither are its tasks: without its id the next start registers a new one, which replaces
 * them. That is no failure of the apps, so nothing is delayed. Rejects only when the engine stops.
 */
export async function forgetFramework(context: EngineContext): Promise<void> {
  await context.commits.submit({
    whenUnavailable: 'retry',
    run: (draft) => {
      draft.deleteFrameworkId();
      for (const { id } of context.state.instances()) {
        const instance = draft.instance(id);
        if (instance === undefined) continue;
        const event = { kind: 'status', reason: 'REASON_FRAMEWORK_REMOVED', ...KILLED } as const;
        changeInstance(context, draft, instance, event, KILLED);
      }
    },
  });
}
