import { type AccessRule, type PrincipalKind, roleForMetrics } from '#platform';

/** Under /master too, and with the old suffix. Mesos answers them to everybody as well. */
const OPEN = /^(?:\/master)?\/(?:version|health|redirect)(?:\.json)?$/;
const SCHEDULER = /^(?:\/master)?\/api\/v1\/scheduler$/;
const AGENT = '/api/v1/agent';

/** Who may use which endpoint of the master, with the realms of Mesos. */
export const masterAccess: AccessRule = ({ method, route = '' }) => {
  if (OPEN.test(route)) return { kind: 'open' };
  if (SCHEDULER.test(route)) return closed('framework', 'mesos-master-scheduler');
  if (route === AGENT) return closed('agent', 'mesos-master-agent');
  const isRead = method === 'GET' || method === 'HEAD';
  return {
    ...closed('operator', isRead ? 'mesos-master-readonly' : 'mesos-master-readwrite'),
    needs: roleForMetrics(method, route),
  };
};

const closed = (kind: PrincipalKind, realm: string) =>
  ({ kind: 'closed', to: [kind], realm }) as const;
