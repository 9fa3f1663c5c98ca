import { describe, expect, it } from 'vitest';
import { readLinuxInfo } from './agent-linux-info.js';

const read = (linux_info: unknown, hasImage: boolean) =>
  readLinuxInfo({ linux_info }, { hasImage });

describe('linux_info', () => {
  it.each([
    [undefined, {}],
    [null, {}],
    [{}, {}],
    [{ seccomp: { unconfined: true } }, { seccomp: 'unconfined' }],
    [
      { seccomp: { profile_name: 'p.json', unconfined: false } },
      { seccomp: { profile: 'p.json' } },
    ],
    [{ ipc_mode: 'SHARE_PARENT' }, { ipc: 'host' }],
    [{ ipc_mode: 'PRIVATE', shm_size: 16 }, { ipc: { shmMib: 16 } }],
    [{ ipc_mode: 'PRIVATE', shm_size: null, effective_capabilities: null }, { ipc: {} }],
  ])('of a container with an image: %j', (given, isolation) => {
    expect(read(given, true)).toEqual({ kind: 'read', isolation });
  });

  it('of a process may say what holds for processes anyway', () => {
    const given = { seccomp: { unconfined: true }, ipc_mode: 'SHARE_PARENT' };

    expect(read(given, false)).toEqual({ kind: 'read', isolation: {} });
  });

  it.each([
    [{ effective_capabilities: {} }, true, 'linux_info.effective_capabilities is not supported'],
    [{ share_pid_namespace: true }, true, 'linux_info.share_pid_namespace is not supported'],
    ['x', true, 'linux_info is no message'],
    [{ seccomp: 5 }, true, 'seccomp is no message'],
    [{ seccomp: { profile_name: '../p' } }, true, 'profile_name "../p" is no file name'],
    [{ seccomp: { profile_name: 'p', unconfined: true } }, true, 'together with unconfined'],
    [{ ipc_mode: 'OPEN' }, true, 'ipc_mode "OPEN" is not PRIVATE or SHARE_PARENT'],
    [{ shm_size: 16 }, true, 'shm_size 16 is for the ipc_mode PRIVATE only'],
    [{ ipc_mode: 'PRIVATE', shm_size: 0 }, true, 'shm_size 0 is not a number of MiB from 1'],
    [{ seccomp: { profile_name: 'p' } }, false, 'seccomp needs an image'],
    [{ ipc_mode: 'PRIVATE' }, false, 'ipc_mode PRIVATE needs an image'],
  ])('%j (image: %s) is refused: %s', (given, hasImage, message) => {
    expect(read(given, hasImage)).toEqual({
      kind: 'defect',
      message: expect.stringContaining(message),
    });
  });
});
