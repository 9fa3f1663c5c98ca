import { type AccessRule, roleForMetrics } from '#platform';

const EXECUTOR_ROUTES: ReadonlySet<string> = new Set([
  '/api/v1/executor',
  '/slave(1)/api/v1/executor',
]);

/**
 * Frameworks may read the files of tasks, as under Mesos: what they need to collect results. Executors have no
 * credentials, as under Mesos without executor authentication: they are known by their ids.
 */
export const agentAccess: AccessRule = ({ method, route = '' }) => {
  if (method === 'POST' && EXECUTOR_ROUTES.has(route)) return { kind: 'open' };
  const isRead = method === 'GET' || method === 'HEAD';
  return {
    kind: 'closed',
    to: isRead && route.startsWith('/files/') ? ['operator', 'framework'] : ['operator'],
    realm: isRead ? 'mesos-agent-readonly' : 'mesos-agent-readwrite',
    needs: roleForMetrics(method, route),
  };
};
