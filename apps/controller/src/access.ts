import type { AccessRule } from '#platform';

/** Reads that show no secret and change nothing. Of a sandbox a reader gets the logs, as `sandbox/readable-files.ts` says. */
const READABLE: ReadonlySet<string> = new Set([
  '/',
  '/help',
  '/docs',
  '/docs/json',
  '/docs/swagger-ui.css',
  '/docs/swagger-ui-bundle.js',
  '/metrics',
  '/metrics/prometheus',
  '/ui',
  '/ui/*',
  '/v2/access',
  '/v2/apps',
  '/v2/apps/*',
  // Without keys: with them only to the full role, as `certificates.controller.ts` says.
  '/v2/certificates',
  '/v2/deployments',
  '/v2/deployments/:id',
  '/v2/events',
  '/v2/groups',
  '/v2/groups/*',
  '/v2/info',
  '/v2/leader',
  '/v2/plugins',
  '/v2/pods',
  '/v2/pods/*',
  '/v2/pods::::status',
  '/v2/queue',
  '/v2/routers',
  '/v2/routes',
  '/v2/tasks',
  '/v2/tasks/:taskId/files/:operation',
]);

/** Asked for by GET, and more than a look: a command in a task does anything. */
const FULL_ONLY: ReadonlySet<string> = new Set(['/v2/tasks/:taskId/exec']);

/** Whether somebody has decided who may read by this route. What nobody has decided takes the full role. */
export const isDecided = (route: string): boolean => READABLE.has(route) || FULL_ONLY.has(route);

/** Who may use which route of the controller: operators, and those with the role `read` may look. */
export const controllerAccess: AccessRule = ({ method, route = '' }) => {
  const isRead = method === 'GET' || method === 'HEAD';
  return {
    kind: 'closed',
    to: ['operator'],
    realm: 'pacer',
    needs: isRead && READABLE.has(route) ? 'read' : 'full',
    showsBearer: true,
  };
};
