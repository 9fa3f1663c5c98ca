import type { WirePodStatus } from '#marathon-v2';
import type { CommandPorts } from './command-ports.js';
import { formatTable } from './text-table.js';

/** Commands on pods. */
export function createPodCommands({ request, print }: Pick<CommandPorts, 'request' | 'print'>) {
  return {
    async listPods(): Promise<void> {
      const answer = await request<readonly WirePodStatus[]>('/v2/pods/::status');
      print(answer, () => formatPods(answer));
    },
  };
}

/** Each instance has the states of its containers behind it. */
const formatPods = (pods: readonly WirePodStatus[]): string =>
  formatTable(
    ['POD', 'STATUS', 'INSTANCE', 'STATE', 'HOST', 'CONTAINERS'],
    pods.flatMap((pod) => {
      const rows = pod.instances.map((one) => [
        one.id,
        one.status,
        one.agentHostname ?? '',
        one.containers.map(({ name, status }) => `${name}:${status}`).join(' '),
      ]);
      return (rows.length > 0 ? rows : [['', '', '', '']]).map((row, index) =>
        index === 0 ? [pod.id, pod.status, ...row] : ['', '', ...row],
      );
    }),
  );
