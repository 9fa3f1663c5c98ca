import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { createDockerLauncher, createProcessLauncher, KnownSessions } from '#containerizer';
import type { Launcher, SessionHost } from '#core';
import { isLoopback } from '#platform';
import { type AgentConfig, advertisedHostname } from './agent-config.js';

/**
 * Makes the launchers the settings name. Agents on one host are told apart by their work directory. What is reached by a
 * loopback address is published there only: the engine's own default would open it to the network.
 */
export function createLaunchers(
  config: AgentConfig,
  log: (level: 'info' | 'warn', message: string) => void,
): (Launcher & SessionHost)[] {
  const { launchers: kinds, data, capCpu, maxProcesses } = config;
  const scope = createHash('sha256').update(realpathSync(data)).digest('hex').slice(0, 12);
  const launchers: (Launcher & SessionHost)[] = [];
  const maxLogBytes = config.maxLogMib * 2 ** 20;
  const knownSessions = new KnownSessions();
  const limits = { scope, capCpu, maxProcesses, maxLogBytes, knownSessions };
  if (kinds.includes('process')) launchers.push(createProcessLauncher(limits));
  if (kinds.includes('docker')) {
    const address = advertisedHostname(config);
    const isLocal = isLoopback(address) && isIP(address) !== 0;
    launchers.push(
      createDockerLauncher({
        ...{ ...limits, log },
        ...(isLocal ? { publishAddress: address } : {}),
        ...(config.seccompDirectory === '' ? {} : { seccompDirectory: config.seccompDirectory }),
        imageRecords: join(data, 'images.json'),
        imageBounds: {
          maxUnusedMs: config.imageHours * 3_600_000,
          maxDiskPercent: config.imageDiskPercent,
        },
      }),
    );
  }
  return launchers;
}
