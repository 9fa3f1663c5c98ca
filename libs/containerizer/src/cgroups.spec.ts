import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findHierarchies, parseCgroupMounts } from './cgroup-hierarchies.js';
import { cgroupName, cgroupSettings } from './task-cgroup.js';

const HYBRID = `
22 27 0:21 / /proc rw,relatime - proc proc rw
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
`;

describe('parseCgroupMounts', () => {
  it('finds each hierarchy and the place of this process in it', () => {
    const own = '5:cpu,cpuacct:/a\n4:memory:/b/c\n0::/d\n';

    const mounts = parseCgroupMounts(HYBRID, own);

    expect(mounts).toMatchObject([
      { version: 1, mountPoint: '/sys/fs/cgroup/cpu,cpuacct', ownPath: '/a' },
      { version: 1, mountPoint: '/sys/fs/cgroup/memory', ownPath: '/b/c' },
      { version: 2, mountPoint: '/sys/fs/cgroup/unified', ownPath: '/d' },
    ]);
  });

  it('counts paths from the root that a container sees', () => {
    const mountinfo =
      '35 31 0:32 /docker/x /sys/fs/cgroup/mem\\040ory rw - cgroup cgroup rw,memory';

    const [mount] = parseCgroupMounts(mountinfo, '4:memory:/docker/x/inner');

    expect(mount).toMatchObject({ mountPoint: '/sys/fs/cgroup/mem ory', ownPath: '/inner' });
  });

  it('skips what it cannot read', () => {
    expect(parseCgroupMounts('nonsense\n - cgroup', '')).toEqual([]);
  });
});

describe('findHierarchies', () => {
  it('takes each controller where it is offered, v1 first, and leaves nothing behind', async () => {
    const root = await mkdtemp(join(tmpdir(), 'pacer-cgroups-'));
    const [memory, unified] = [join(root, 'memory'), join(root, 'unified')];
    await Promise.all([mkdir(memory), mkdir(unified)]);
    await writeFile(join(unified, 'cgroup.controllers'), 'cpu hugetlb memory pids\n');
    for (const folder of ['', 'pacer', 'pacer/one']) {
      await mkdir(join(unified, folder), { recursive: true });
      await writeFile(join(unified, folder, 'cgroup.subtree_control'), 'cpu\n');
    }

    const found = await findHierarchies(
      [
        { version: 2, mountPoint: unified, controllers: [], ownPath: '/' },
        { version: 1, mountPoint: memory, controllers: ['memory'], ownPath: '/' },
      ],
      'pacer/one',
    );

    expect(found).toEqual([
      { version: 1, directory: join(memory, 'pacer/one'), controllers: ['memory'] },
      { version: 2, directory: join(unified, 'pacer/one'), controllers: ['cpu', 'pids'] },
    ]);
    const control = join(unified, 'pacer/cgroup.subtree_control');
    expect(await readFile(control, 'utf8')).toBe('+pids');
    expect(await readdir(join(memory, 'pacer/one'))).toEqual([]);
    await rm(root, { recursive: true });
  });

  it('finds none where it may make none', async () => {
    const mount = {
      version: 1,
      mountPoint: '/proc',
      controllers: ['memory'],
      ownPath: '/',
    } as const;

    expect(await findHierarchies([mount], 'pacer')).toEqual([]);
  });
});

describe('cgroupSettings', () => {
  const limits = {
    ...{ memMib: 32, reservedMemMib: 16, cpuMillis: 500, cpuCapMillis: 500 },
    maxProcesses: 10,
  };

  it('writes v1 limits, then joins', () => {
    const hierarchy = {
      version: 1,
      directory: '/c',
      controllers: ['memory', 'cpu', 'pids'],
    } as const;

    expect(cgroupSettings([hierarchy], 't', limits)).toEqual([
      ['/c/t/memory.limit_in_bytes', '33554432'],
      ['/c/t/memory.soft_limit_in_bytes', '16777216'],
      ['/c/t/cpu.shares', '512'],
      ['/c/t/cpu.cfs_quota_us', '50000'],
      ['/c/t/pids.max', '10'],
      ['/c/t/cgroup.procs', '0'],
    ]);
  });

  it('writes v2 limits, then joins', () => {
    const hierarchy = {
      version: 2,
      directory: '/c',
      controllers: ['memory', 'cpu', 'pids'],
    } as const;

    expect(cgroupSettings([hierarchy], 't', limits)).toEqual([
      ['/c/t/memory.max', '33554432'],
      ['/c/t/memory.low', '16777216'],
      ['/c/t/cpu.weight', '20'],
      ['/c/t/cpu.max', '50000 100000'],
      ['/c/t/pids.max', '10'],
      ['/c/t/cgroup.procs', '0'],
    ]);
  });

  it('sets no limit for memory 0 and no fewer than 2 shares', () => {
    const hierarchy = { version: 1, directory: '/c', controllers: ['memory', 'cpu'] } as const;
    const none = { memMib: 0, cpuMillis: 0, maxProcesses: 0 };

    expect(cgroupSettings([hierarchy], 't', none)).toEqual([
      ['/c/t/cpu.shares', '2'],
      ['/c/t/cgroup.procs', '0'],
    ]);
  });
});

describe('cgroupName', () => {
  it('keeps ordinary task ids', () => {
    expect(cgroupName('shop_web.instance-1._app.1')).toBe('shop_web.instance-1._app.1');
  });

  it('makes any id a safe name, different ones different, and names of names the same', () => {
    const ids = ['a/b', 'a:b', '..', '.x', '', 'x'.repeat(255), `${'x'.repeat(254)}y`];
    const names = ids.map(cgroupName);

    expect(new Set(names).size).toBe(ids.length);
    for (const name of names) {
      expect(name).toMatch(/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}$/);
      expect(cgroupName(name)).toBe(name);
    }
  });
});
