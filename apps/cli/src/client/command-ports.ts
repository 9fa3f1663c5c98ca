import type { WireAppRestart, WireChangePreview } from '#marathon-v2';
import type { ApiClient } from './api-client.js';

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

/** What commands are made of. */
export interface CommandPorts {
  readonly request: ApiClient;
  /** The answer itself with `--json`, else the text. */
  readonly print: (answer: unknown, text: () => string) => void;
  /** Shows what a change answered, and waits for its deployment where that is asked for. */
  readonly change: (sent: Promise<SentChange>, flags: ChangeFlags) => Promise<void>;
}
