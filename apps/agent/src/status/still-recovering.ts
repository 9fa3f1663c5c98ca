import { ApiError } from '#platform';

/** What cannot be told before the agent has found its tasks again. */
export const stillRecovering = (disk?: string): ApiError =>
  new ApiError(
    503,
    disk === undefined
      ? 'The agent is still looking for its tasks'
      : `The agent waits for its disk before it looks for its tasks: ${disk}`,
    { headers: { 'retry-after': '1' } },
  );
