import type { Logger } from '#platform';
import type { EdgeSettings } from '#routing';
import type { BaseConfig } from './base-config.js';
import type { EdgeFiles } from './edge-files.js';
import type { EdgeProcess } from './edge-process.port.js';

export interface HaproxyEdgeOptions {
  readonly files: EdgeFiles;
  readonly settings: EdgeSettings;
  readonly logger: Logger;
  /** Called when HAProxy is gone, or is to be replaced: `restart` is to be called. */
  readonly onExit: () => void;
  /** Program to ask and start; found by the PATH when it has no slash. */
  readonly binary?: string;
  /** The HAProxy to use; absent: one of our own. `onExit` is to be called when it is gone. */
  readonly newProcess?: (onExit: () => void) => EdgeProcess;
  /** What Pacer's configuration is built on; `settings.baseConfig` is to be its text. */
  readonly base?: Pick<BaseConfig, 'confirm' | 'doubt' | 'refuse' | 'take'>;
}
