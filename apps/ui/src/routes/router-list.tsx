import type { RouterStanding } from '../api/route-types.js';
import { formatRate, standingWords } from './route-words.js';

/** Who serves, and how far each is. */
export function RouterList({ routers }: { readonly routers: readonly RouterStanding[] }) {
  if (routers.length === 0) {
    return <p className="pc-dim">No router has been heard of: nothing is served yet.</p>;
  }
  return (
    <ul className="pc-routers" aria-label="Routers">
      {routers.map((router) => (
        <li key={router.id} data-silent={!router.isRecent}>
          <strong>{router.id}</strong> <span>{standingWords(router)}</span>
          {router.haproxy !== undefined && (
            <span className="pc-dim">
              {' '}
              · HAProxy {router.haproxy.version ?? ''} ·{' '}
              {formatRate(router.haproxy.requestsPerSecond)} requests/s
            </span>
          )}
        </li>
      ))}
    </ul>
  );
}
