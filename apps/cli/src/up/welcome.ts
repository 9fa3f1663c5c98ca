import type { ClusterPorts, DaemonPlan } from './cluster-plan.js';

/** The one README.md deploys. */
const FIRST_APP = JSON.stringify({
  id: '/hello',
  cmd: 'exec python3 -m http.server $PORT',
  cpus: 0.1,
  mem: 32,
  instances: 3,
  healthChecks: [
    {
      protocol: 'MESOS_HTTP',
      path: '/',
      intervalSeconds: 2,
      delaySeconds: 0,
      gracePeriodSeconds: 30,
    },
  ],
  labels: { HAPROXY_GROUP: 'external', HAPROXY_0_VHOST: 'hello.localhost' },
});

/** What a ready cluster is reached by, and how to go on. */
export function renderWelcome(cluster: {
  readonly plans: readonly DaemonPlan[];
  readonly edgeHost: string;
  readonly dnsHost: string | undefined;
  readonly dnsDomain: string;
  readonly ports: ClusterPorts;
  readonly keepTasks: boolean;
  /** Why apps cannot be reached through HAProxy. */
  readonly edgeProblem: string | undefined;
  /** Why names are not answered (yet). */
  readonly dnsProblem: string | undefined;
}): string {
  const { plans, edgeHost, ports, edgeProblem } = cluster;
  const urls = (program: DaemonPlan['program']) =>
    plans.filter((plan) => plan.program === program).map(({ url }) => url);
  const controller = urls('controller').join();
  const trust = controller.startsWith('https:') ? '--cacert "$PACER_TLS_CA_FILE" ' : '';
  const edge =
    edgeProblem === undefined ? `http://${edgeHost}:${ports.edgeHttp}` : `no edge: ${edgeProblem}`;
  const next =
    edgeProblem === undefined
      ? `Deploy a first app, then open http://hello.localhost:${ports.edgeHttp}/ :`
      : 'Deploy a first app, then see in the UI on which port it listens:';
  return `
  UI and API   ${controller}      documentation ${controller}/docs
  edge         ${edge}      router ${urls('router').join()}
  master       ${urls('master').join()}
  agents       ${urls('agent').join(' ')}
  DNS          ${describeDns(cluster)}

  ${next}

  curl ${trust}-X POST ${controller}/v2/apps -H 'Content-Type: application/json' -d '${FIRST_APP}'

  Ctrl-C stops everything${cluster.keepTasks ? ' but the tasks' : ', tasks included'}.

`;
}

/** The name is that of the first app. */
function describeDns(cluster: Parameters<typeof renderWelcome>[0]): string {
  const { dnsHost, dnsDomain, dnsProblem, ports } = cluster;
  if (dnsHost === undefined) return 'off (PACER_DNS)';
  if (dnsProblem !== undefined) return `no names: ${dnsProblem}`;
  return `${dnsHost}:${ports.dns} (UDP and TCP)      dig @${dnsHost} -p ${ports.dns} hello.${dnsDomain}`;
}
