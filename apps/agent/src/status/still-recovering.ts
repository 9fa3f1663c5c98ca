import { ApiError } from '#platform';

/** What cannot be told before the agent has found its tasks again. */
export const stillRecovering = (): ApiError =>
  new ApiError(503, 'The agent is still looking for its tasks', {
    headers: { 'retry-after': '1' },
  });
