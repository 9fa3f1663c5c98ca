import { expect, it } from 'vitest';
import { Problems } from '../sync/problems.js';
import { CertificateFollower } from './certificate-follower.js';

it('asks HAProxy again with the next look at anything when it was away, and reads nothing for it', async () => {
  let isAway = true;
  const calls: string[] = [];
  const problems = new Problems();
  const follower = new CertificateFollower(
    {
      revision: 0,
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

it('says whether the certificates are others', async () => {
  const certificates = {
    revision: 0,
    start: async () => [],
    refresh: async () => [],
    sync: async () => [],
  };
  const follower = new CertificateFollower(certificates, new Problems(), { warn: () => undefined });

  follower.isDue = true;
  expect(await follower.follow()).toBe(false);
  certificates.refresh = async () => {
    certificates.revision += 1;
    return [];
  };
  follower.isDue = true;
  expect(await follower.follow()).toBe(true);
  expect(await follower.follow()).toBe(false);
});
