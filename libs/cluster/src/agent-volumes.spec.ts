import { describe, expect, it } from 'vitest';
import { runKeyOfTask } from '#core';
import type { TaskInfo, WireResource } from '#mesos-v1';
import { findTaskDefect, toLaunchSpec } from './agent-launch-spec.js';
import type { AgentIdentity } from './agent-records.js';
import { findVolumeDefect, volumesIn } from './agent-volumes.js';
import { joinChanges, resumeVolumes, takeCheckpoint } from './volume-checkpoint.js';

const volume = (id: string, fields: Partial<WireResource> = {}): WireResource => ({
  name: 'disk',
  type: 'SCALAR',
  scalar: { value: 64 },
  reservations: [{ type: 'DYNAMIC', role: 'db' }],
  disk: { persistence: { id }, volume: { mode: 'RW', container_path: 'data' } },
  ...fields,
});
const identity: AgentIdentity = { agentId: 'a1', highestEpoch: 1, bootId: 'b' };
const name = (id: string) => ({ role: 'db', id });

describe('a checkpoint', () => {
  it('makes the directories of new volumes and removes those of volumes that are gone', () => {
    const first = takeCheckpoint(identity, [volume('1'), volume('2')]);
    const second = takeCheckpoint(first.identity, [volume('2'), volume('3')]);

    expect(first.change).toEqual({ make: [name('1'), name('2')], remove: [] });
    expect(second.change).toEqual({ make: [name('3')], remove: [name('1')] });
    expect(second.identity.volumes).toEqual({ removed: [name('1')] });
  });

  it('says nothing of volumes where there never were any', () => {
    expect(takeCheckpoint(identity, []).identity).toEqual({
      ...identity,
      checkpointedResources: [],
    });
  });

  it('is made up for at a start: what was to be removed goes, and nothing else', () => {
    const { identity: written } = takeCheckpoint(
      takeCheckpoint(identity, [volume('1'), volume('2')]).identity,
      [volume('2')],
    );

    expect(resumeVolumes(written).change).toEqual({ make: [], remove: [name('1')] });
    const again = { ...written, checkpointedResources: [volume('1'), volume('2')] };
    expect(resumeVolumes(again).change).toEqual({ make: [], remove: [] });
  });

  it('of a version that kept books only has its directories made at the first start', () => {
    const old = { ...identity, checkpointedResources: [volume('1')] };

    const { identity: now, change } = resumeVolumes(old);

    expect(change).toEqual({ make: [name('1')], remove: [] });
    expect(resumeVolumes(now).change).toEqual({ make: [], remove: [] });
  });

  it('that waits for the disk is joined by the next one, which has the last word', () => {
    const older = { make: [name('1'), name('2')], remove: [name('3')] };
    const newer = { make: [name('3')], remove: [name('1')] };

    expect(joinChanges(older, newer)).toEqual({
      make: [name('2'), name('3')],
      remove: [name('1')],
    });
  });
});

describe('a task with a volume', () => {
  const task = (fields: Partial<TaskInfo> = {}): TaskInfo => ({
    ...{ name: 't', task_id: { value: 't' }, agent_id: { value: 'a1' } },
    resources: [volume('web#data#1')],
    command: { value: 'true' },
    ...fields,
  });
  const site = {
    ...{ run: runKeyOfTask('t'), sandbox: '/s', runtimeDirectory: '/r', agentId: 'a1' },
    ...{ frameworkId: 'f', searchPath: '/bin', hostname: 'h' },
    volumeDirectory: ({ id }: { readonly id: string }) => `/v/${id}`,
  };

  it('may use as much as the volume has', () => {
    expect(volumesIn(task().resources)).toMatchObject([{ limitBytes: 64 * 1024 * 1024 }]);
  });

  it('has it mounted in a container, and where a host volume names it by its path', () => {
    const image = { type: 'DOCKER' as const, docker: { image: 'postgres' } };
    const volumes = [
      { mode: 'RW' as const, host_path: 'data', container_path: '/var/lib/data' },
      { mode: 'RO' as const, host_path: '/etc/x', container_path: '/x' },
    ];

    const { docker } = toLaunchSpec(task({ container: { ...image, volumes } }), site);

    expect(docker?.mounts).toEqual([
      { hostPath: '/v/web#data#1', containerPath: '/mnt/mesos/sandbox/data', mode: 'RW' },
      { hostPath: '/v/web#data#1', containerPath: '/var/lib/data', mode: 'RW' },
    ]);
    expect(docker?.volumes).toEqual([{ hostPath: '/etc/x', containerPath: '/x', mode: 'RO' }]);
  });

  it.each([
    [{ id: 'a/b' }, 'id "a/b" cannot be the name of a directory'],
    [{ id: '..' }, 'id ".." cannot be'],
    [{ id: 'x'.repeat(256) }, 'is 256 bytes long, the limit is 255'],
    [{ containerPath: '../x' }, 'is not a path inside the sandbox'],
    [{ containerPath: '/x' }, 'is not a path inside the sandbox'],
  ])('is refused for %o', (fields, problem) => {
    expect(findVolumeDefect({ role: 'db', id: '1', containerPath: 'x', ...fields })).toContain(
      problem,
    );
  });

  it('says so before anything is launched', () => {
    expect(findTaskDefect(task({ resources: [volume('..')] }))).toContain('task t: persistent');
  });
});
