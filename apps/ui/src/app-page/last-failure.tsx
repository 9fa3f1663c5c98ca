import { Link } from 'react-router';
import type { TaskFailure } from '../api/api-types.js';
import { formatAge } from '../format/durations.js';
import { useNow } from '../shell/use-now.js';
import { logsAddress } from './instances-table.js';
import { taskStateWords } from './task-view.js';

/** How the last instance ended, and the way to what it wrote. */
export function LastFailure({ failure }: { readonly failure: TaskFailure }) {
  const nowMs = useNow();
  const log = logsAddress({ id: failure.taskId, appId: failure.appId });
  return (
    <p className="pc-notice-text">
      Last failure: {failure.message || taskStateWords(failure.state)},{' '}
      {formatAge(failure.timestamp, nowMs)} ago. <Link to={`${log}&file=stderr`}>stderr</Link>
      {' · '}
      <Link to={`${log}&file=stdout`}>stdout</Link>
    </p>
  );
}
