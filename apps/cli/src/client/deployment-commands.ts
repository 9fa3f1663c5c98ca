import type {
  WireAppRestart,
  WireChangePreview,
  WireDeployment,
  WireDeploymentDetails,
} from '#marathon-v2';
import type { ApiClient } from './api-client.js';
import { formatDeployment, formatDeployments, formatEnded } from './format-deployments.js';
import { resourcePath } from './resource-path.js';

export interface ChangeFlags {
  readonly force?: boolean;
  /** Shows what would happen; nothing does. */
  readonly dryRun?: boolean;
  readonly wait?: boolean;
}

/** What a change answers, or a dry run of it. */
export type SentChange = CarriedOut | WireChangePreview;

interface CarriedOut {
  readonly dryRun?: undefined;
  readonly restarts?: readonly WireAppRestart[];
  readonly deploymentId?: string;
  readonly version?: string;
  readonly deployments?: readonly { readonly id: string }[];
}

/** Commands on deployments: to see them, hold them, and let them go on or back. */
export function createDeploymentCommands({
  request,
  print,
  change,
}: {
  readonly request: ApiClient;
  readonly print: (answer: unknown, text: () => string) => void;
  readonly change: (sent: Promise<SentChange>, flags: ChangeFlags) => Promise<void>;
}) {
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
