import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { WireApp } from '#marathon-v2';
import { sampleApp, sampleTask } from '../../../../test/support/edge-samples.js';
import { HostAddresses } from './host-addresses.js';

const on = (...hosts: readonly string[]): readonly WireApp[] => [
  sampleApp('/web', { tasks: hosts.map((host, at) => sampleTask(`t${at}`, 31_000, { host })) }),
];
const hostsOf = (apps: readonly WireApp[]) =>
  apps.flatMap(({ tasks }) => (tasks ?? []).map(({ host }) => host));

describe('names of hosts', () => {
  let names: Map<string, readonly string[]>;
  let asked: string[];
  let changes: number;
  let addresses: HostAddresses;
  /** Lookups that do not end by themselves. */
  let hanging: Map<string, () => void>;
  let mostAtOnce: number;
  let nowMs: number;

  beforeEach(() => {
    vi.useFakeTimers();
    [names, hanging] = [new Map(), new Map()];
    [asked, changes, mostAtOnce, nowMs] = [[], 0, 0, 0];
    let underWay = 0;
    addresses = new HostAddresses({
      onChange: () => {
        changes += 1;
      },
      nowMs: () => nowMs,
      resolve: async (name) => {
        asked.push(name);
        underWay += 1;
        mostAtOnce = Math.max(mostAtOnce, underWay);
        if (name.startsWith('slow')) {
          await new Promise<void>((resolve) => hanging.set(name, resolve));
        }
        await Promise.resolve();
        underWay -= 1;
        const found = names.get(name);
        if (found === undefined) throw new Error('ENOTFOUND');
        return found;
      },
    });
  });
  afterEach(() => {
    addresses.stop();
    vi.useRealTimers();
  });
  const applied = async (...hosts: readonly string[]) => {
    const found = addresses.applyTo(on(...hosts));
    await vi.advanceTimersByTimeAsync(2_000);
    return hostsOf(await found);
  };
  const refreshed = async (): Promise<void> => {
    addresses.refresh();
    await vi.advanceTimersByTimeAsync(1_000);
  };

  it('become addresses; addresses stay, and the very objects with them', async () => {
    names.set('agent-1', ['10.0.0.1']);
    const apps = on('10.9.9.9', '::1');

    expect(await addresses.applyTo(apps)).toBe(apps);
    expect(await applied('agent-1', '10.9.9.9')).toEqual(['10.0.0.1', '10.9.9.9']);
    expect(changes).toBe(0);
  });

  it('are looked up again, and a change is told', async () => {
    names.set('agent-1', ['10.0.0.1']);
    await applied('agent-1');
    names.set('agent-1', ['10.0.0.2']);

    await refreshed();

    expect(changes).toBe(1);
    expect(await applied('agent-1')).toEqual(['10.0.0.2']);
    expect(asked).toEqual(['agent-1', 'agent-1']);
  });

  it('keep an address that is still one of theirs, and the last one while they cannot be resolved', async () => {
    names.set('agent-1', ['10.0.0.1', '10.0.0.2']);
    await applied('agent-1');

    names.set('agent-1', ['10.0.0.2', '10.0.0.1']);
    await refreshed();
    names.delete('agent-1');
    await refreshed();

    expect(changes).toBe(0);
    expect(await applied('agent-1')).toEqual(['10.0.0.1']);
  });

  it('hold a read up for two seconds at most, and only the first', async () => {
    names.set('slow-1', ['10.0.0.1']);

    expect(await applied('slow-1')).toEqual(['slow-1']);
    expect(hostsOf(await addresses.applyTo(on('slow-1')))).toEqual(['slow-1']);
    hanging.get('slow-1')?.();
    await vi.advanceTimersByTimeAsync(1_000);

    expect(changes).toBe(1);
    expect(hostsOf(await addresses.applyTo(on('slow-1')))).toEqual(['10.0.0.1']);
  });

  it('that fail are tried again with the next refresh, not with each read', async () => {
    expect(await applied('agent-1')).toEqual(['agent-1']);
    await applied('agent-1');
    expect(asked).toHaveLength(1);

    names.set('agent-1', ['10.0.0.1']);
    await refreshed();

    expect(changes).toBe(1);
    expect(await applied('agent-1')).toEqual(['10.0.0.1']);
  });

  it('are looked up two at a time, whatever their number, and their news told together', async () => {
    const all = Array.from({ length: 500 }, (_, at) => `agent-${at}`);
    await applied(...all);
    for (const name of all) names.set(name, ['10.0.0.1']);

    await refreshed();

    expect(asked).toHaveLength(1_000);
    expect(mostAtOnce).toBe(2);
    expect(changes).toBe(1);
  });

  it('of a former life stand while DNS is away, and give way to what it says', async () => {
    names.set('agent-2', ['10.0.0.9']);

    addresses.recall(['agent-1 10.0.0.1', 'agent-2 10.0.0.2', 'nonsense', '', 'x y', '::1 ::1']);

    expect(hostsOf(await addresses.applyTo(on('agent-1', 'agent-2')))).toEqual([
      '10.0.0.1',
      '10.0.0.2',
    ]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(changes).toBe(1);
    expect(await applied('agent-1', 'agent-2')).toEqual(['10.0.0.1', '10.0.0.9']);
    expect(addresses.list()).toEqual(['agent-1 10.0.0.1', 'agent-2 10.0.0.9']);
  });

  it('that no task has any more are forgotten', async () => {
    await applied('gone', 'agent-1');
    nowMs = 800_000;
    await applied('agent-1');
    nowMs = 1_000_000;
    asked = [];

    await refreshed();

    expect(asked).toEqual(['agent-1']);
  });
});
