import { expect, it } from 'vitest';
import { Problems } from '../sync/problems.js';
import { CertificateFollower } from './certificate-follower.js';

it('asks HAProxy again with the next look at anything when it was away, and reads nothing for it', async () => {
  let isAway = true;
  const calls: string[] = [];
  const problems = new Problems();
  const follower = new CertificateFollower(
    {
      start: async () => [],
      refresh: async () => {
        calls.push('refresh');
        return [];
      },
      sync: async () => {
        calls.push('sync');
        if (isAway) throw new Error('the socket is away');
        return [];
      },
    },
    problems,
    { warn: () => undefined },
  );
  await follower.follow();
  expect(calls).toEqual([]);

  follower.isDue = true;
  await follower.follow();
  expect(problems.text).toBe('certificates: the socket is away');
  isAway = false;
  await follower.follow();
  await follower.follow();

  expect(calls).toEqual(['refresh', 'sync', 'sync']);
  expect(problems.text).toBeUndefined();
});
