import { expect, it } from 'vitest';
import { readLinuxInfo } from '../../../../libs/cluster/src/agent-linux-info.js';
import { toLinuxInfo } from './linux-info.js';

const BARE = { seccomp: { unconfined: false } };
const SHARED = { ipcInfo: { mode: 'SHARE_PARENT', shmSize: 64 } } as const;
const OWN = { ipcInfo: { mode: 'PRIVATE', shmSize: 0 } } as const;

it.each([
  ['no profile, of a process', BARE, false],
  ['a profile, of a process', { seccomp: { unconfined: false, profileName: 'strict' } }, false],
  ['memory of its own, of a process', OWN, false],
  ['memory of no size', OWN, true],
  ['the memory of the host, of a size', SHARED, true],
])('asks agents for nothing they refuse, whatever is stored: %s', (_, stored, hasImage) => {
  const linux_info = toLinuxInfo(stored, { hasImage });

  expect(readLinuxInfo({ linux_info }, { hasImage }).kind).toBe('read');
});

it('tells all of a container', () => {
  const stored = {
    seccomp: { unconfined: false, profileName: 'strict' },
    ipcInfo: { mode: 'PRIVATE', shmSize: 64 },
  } as const;

  expect(toLinuxInfo(stored, { hasImage: true })).toEqual({
    seccomp: { unconfined: false, profile_name: 'strict' },
    ipc_mode: 'PRIVATE',
    shm_size: 64,
  });
});
