import type { RequestListener } from 'node:http';
import { becomeSecure, type SecureProcess } from '../../../../test/support/secure-process.js';
import { type SecureServer, startSecureServer } from '../../../../test/support/secure-server.js';
import { type ApiUnderTest, startApi } from '../controller-api.test-support.js';

/** A standby under TLS and the leader it asks, which answers as the test says. */
export interface SecureStandby {
  readonly ca: SecureProcess['ca'];
  readonly leader: SecureServer;
  readonly standby: ApiUnderTest;
  /** Where the standby looks for its leader. */
  leaderUrl: string;
  close(): Promise<void>;
}

export async function startSecureStandby(
  answer: RequestListener,
  options: Parameters<typeof becomeSecure>[1] = {},
): Promise<SecureStandby> {
  const process = becomeSecure('standby', options);
  const leader = await startSecureServer(process.ca, process.ca.issue('leader'), answer);
  const standby = await startApi({ isLoaded: false, leaderUrl: () => pair.leaderUrl });
  const pair: SecureStandby = {
    ca: process.ca,
    leader,
    standby,
    leaderUrl: leader.url,
    close: async () => {
      leader.close();
      await standby.daemon.close();
      process.close();
    },
  };
  return pair;
}
