import type { SchedulerHandlers } from '#framework';
import type { EngineContext } from './engine-context.js';

type FrameworkMessage = Parameters<NonNullable<SchedulerHandlers['onMessage']>>[0];

/** Characters of base64; what is longer is no event. */
const MAX_DATA_CHARS = 64 * 1024;

/** What a custom executor says is told to whoever reads the events. Best effort, so it waits for no database. */
export function tellMessage(
  { commits, ports }: Pick<EngineContext, 'commits' | 'ports'>,
  { agentId, executorId, data }: FrameworkMessage,
): void {
  if (data.length > MAX_DATA_CHARS) {
    const about = { agentId, executorId, chars: data.length, limit: MAX_DATA_CHARS };
    ports.log?.warn('a message of an executor is too long to be told', about);
    return;
  }
  commits
    .submit({
      whenUnavailable: 'reject',
      run: (draft) =>
        draft.emit({
          eventType: 'framework_message_event',
          executorId,
          slaveId: agentId,
          message: data,
        }),
    })
    .catch((error: unknown) =>
      ports.log?.warn('a message of an executor is not told', { reason: String(error) }),
    );
}
