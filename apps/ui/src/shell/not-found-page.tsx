import { Link } from 'react-router';
import { EmptyPanel } from './states.js';

export function NotFoundPage() {
  return (
    <EmptyPanel icon="search" title="There is no such page" text={window.location.pathname}>
      <Link to="/apps">All applications</Link>
    </EmptyPanel>
  );
}
