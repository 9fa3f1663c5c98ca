import { Link } from 'react-router';
import type { RouteProblem } from '../api/route-types.js';
import { plural } from '../format/quantities.js';
import { Icon } from '../shell/icons.js';
import { problemKeys } from './problem-keys.js';
import { problemWords } from './route-words.js';

/** Problems drawn at once; all are counted. */
const MAX_SHOWN = 20;

/** What is asked for and not served, on top of everything else. */
export function RouteProblems(props: {
  readonly problems: readonly RouteProblem[];
  readonly omitted: number;
}) {
  const { problems, omitted } = props;
  if (problems.length === 0) return null;
  const shown = problems.slice(0, MAX_SHOWN);
  const keys = problemKeys(shown);
  const more = problems.length - MAX_SHOWN + omitted;
  return (
    <section className="pc-route-problems" aria-label="Problems">
      <h2>
        <Icon name="alert" /> {plural(problems.length + omitted, 'problem')}
      </h2>
      <ul>
        {shown.map((problem, index) => (
          <li key={keys[index]}>
            <span className="pc-chip">{problemWords(problem)}</span>{' '}
            {problem.appId !== undefined && (
              <Link to={`/apps${problem.appId}`}>{problem.appId}</Link>
            )}{' '}
            {(problem.portIndex ?? 0) > 0 && (
              <span className="pc-chip">port {problem.portIndex}</span>
            )}{' '}
            {problem.message}
            {problem.router !== undefined && <span className="pc-dim"> · {problem.router}</span>}
          </li>
        ))}
      </ul>
      {more > 0 && <p className="pc-dim">and {plural(more, 'more problem')}</p>}
    </section>
  );
}
