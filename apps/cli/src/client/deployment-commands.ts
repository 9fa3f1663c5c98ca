import type { WireDeployment, WireDeploymentDetails } from '#marathon-v2';
import type { ChangeFlags, CommandPorts, SentChange } from './command-ports.js';
import { formatDeployment, formatDeployments, formatEnded } from './format-deployments.js';
import { resourcePath } from './resource-path.js';

/** Commands on deployments: to see them, hold them, and let them go on or back. */
export function createDeploymentCommands({ request, print, change }: CommandPorts) {
  return {
    async listDeployments(flags: { readonly ended?: boolean } = {}): Promise<void> {
      const query = flags.ended === true ? { state: 'finished' } : {};
      const answer = await request<readonly WireDeployment[]>('/v2/deployments', { query });
      print(answer, () => (flags.ended === true ? formatEnded(answer) : formatDeployments(answer)));
    },
    async showDeployment(id: string): Promise<void> {
      const answer = await request<WireDeploymentDetails>(resourcePath('/v2/deployments', id));
      print(answer, () => formatDeployment(answer));
    },
    async steerDeployment(
      id: string,
      command: 'pause' | 'resume' | 'promote',
      flags: { readonly force?: boolean } = {},
    ): Promise<void> {
      const path = `${resourcePath('/v2/deployments', id)}/${command}`;
      const query = { force: flags.force };
      const answer = await request<WireDeployment>(path, { method: 'POST', query });
      print(answer, () => formatDeployments([answer]));
    },
    async abortDeployment(id: string, flags: ChangeFlags): Promise<void> {
      const path = `${resourcePath('/v2/deployments', id)}/abort`;
      const query = { dryRun: flags.dryRun };
      await change(request<SentChange>(path, { method: 'POST', query }), flags);
    },
    async rollBackDeployment(id: string, flags: ChangeFlags): Promise<void> {
      const path = resourcePath('/v2/deployments', id);
      const query = { dryRun: flags.dryRun };
      await change(request<SentChange>(path, { method: 'DELETE', query }), flags);
    },
  };
}
