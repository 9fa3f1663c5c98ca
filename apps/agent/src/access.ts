import type { AccessRule } from '#platform';

/** Frameworks may read the files of tasks, as under Mesos: what they need to collect results. */
export const agentAccess: AccessRule = ({ method, route = '' }) => {
  const isRead = method === 'GET' || method === 'HEAD';
  return {
    kind: 'closed',
    to: isRead && route.startsWith('/files/') ? ['operator', 'framework'] : ['operator'],
    realm: isRead ? 'mesos-agent-readonly' : 'mesos-agent-readwrite',
  };
};
