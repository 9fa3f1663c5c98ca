import type { Daemon, DaemonOptions } from './daemon.js';

/** Makes and starts a daemon's HTTP application, without touching the process. For tests, and for `startDaemon`. */
export async function createDaemon(options: DaemonOptions): Promise<Daemon> {
  const { buildDaemon } = await import('./build-daemon.js');
  return buildDaemon(options);
}
