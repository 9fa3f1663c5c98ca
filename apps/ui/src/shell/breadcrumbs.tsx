import { Link } from 'react-router';
import { idTrail, lastSegment } from '../apps/app-tree.js';

/** The way from all applications down to where one is. The last part is the page itself. */
export function Breadcrumbs({ id, isApp }: { readonly id: string; readonly isApp: boolean }) {
  const trail = idTrail(id);
  return (
    <nav className="pc-crumbs" aria-label="Breadcrumb">
      <ol>
        {trail.map((part, index) => {
          const text = part === '/' ? 'Applications' : lastSegment(part);
          const isLast = index === trail.length - 1;
          return (
            <li key={part}>
              {isLast ? (
                <span aria-current="page">{isApp ? lastSegment(id) : text}</span>
              ) : (
                <Link to={part === '/' ? '/apps' : `/group${part}`}>{text}</Link>
              )}
            </li>
          );
        })}
      </ol>
    </nav>
  );
}
