import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AgentIdentity } from '#cluster';
import type { WireResource } from '#mesos-v1';
import {
  CRASH_FATES,
  type CrashFate,
  isPowerCut,
  rebuild,
} from '../../../../test/support/recorded-disk.js';
import { live, type Step } from './crash-matrix.test-support.js';

/** Records all that is done to the work directory while a volume is made and destroyed, and dies after each step of it. */

const DIRECTORY = 'volumes/roles/eng db/shop#data#1';
const volume: WireResource = {
  name: 'disk',
  type: 'SCALAR',
  scalar: { value: 64 },
  reservations: [{ type: 'DYNAMIC', role: 'eng/db' }],
  disk: {
    persistence: { id: 'shop#data#1' },
    volume: { mode: 'RW', container_path: 'data' },
  },
};

let root = '';
let count = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'pacer-volume-crash-'));
});
afterAll(async () => {
  await rm(root, { recursive: true, force: true, maxRetries: 5 });
});
const newFolder = (): string => {
  count += 1;
  return join(root, String(count));
};

/** When each checkpoint was confirmed, as the number of steps before. */
async function record(): Promise<{
  readonly steps: readonly Step[];
  readonly isMadeAt: number;
  readonly isDestroyedAt: number;
}> {
  const life = await live({ root: newFolder(), bootId: 'boot-1', seed: 1 });
  const confirmed = () => life.link.calls.filter(({ type }) => type === 'CHECKPOINTED').length;
  const checkpoint = async (resources: readonly WireResource[]) => {
    life.link.deliver({ type: 'CHECKPOINT_RESOURCES', checkpoint_resources: { resources } });
    await life.rest();
    return life.steps.length;
  };
  life.link.admit();
  await life.rest();
  const isMadeAt = await checkpoint([volume]);
  expect(confirmed()).toBe(1);
  const isDestroyedAt = await checkpoint([]);
  expect(confirmed()).toBe(2);
  await life.engine.stop();
  expect(life.failures).toEqual([]);
  return { steps: life.steps, isMadeAt, isDestroyedAt };
}

async function goOn(before: readonly Step[], fate: CrashFate) {
  const folder = newFolder();
  const disk = before.flatMap((step) => (step.kind === 'disk' ? [step.step] : []));
  await rebuild(folder, disk, fate);
  const bootId = isPowerCut(fate) ? 'boot-2' : 'boot-1';
  const life = await live({ root: folder, bootId, seed: 2 });
  const { checkpointed_resources: known = [] } = life.link.admit().subscribe;
  await life.rest();
  await life.engine.stop();
  const path = join(folder, 'journal/agent.json');
  const text = existsSync(path) ? await readFile(path, 'utf8') : '{}';
  const identity = JSON.parse(text) as Partial<AgentIdentity>;
  const isThere = existsSync(join(folder, DIRECTORY));
  const trash = await readdir(join(folder, 'volumes/removed')).catch(() => []);
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  return { ...{ known, identity, isThere, trash }, failures: life.failures };
}

test('a volume that is written down has its directory, wherever its agent dies, and one that is not has none left', {
  timeout: 120_000,
}, async () => {
  const { steps, isMadeAt, isDestroyedAt } = await record();
  const cuts = steps.flatMap((step, index) => (step.kind === 'disk' ? [index + 1] : []));
  expect(cuts.length).toBeGreaterThan(15);

  for (const cut of [...cuts, steps.length]) {
    for (const fate of CRASH_FATES) {
      const after = await goOn(steps.slice(0, cut), fate);
      const where = `${fate} after step ${cut} of ${steps.length}: ${JSON.stringify(steps[cut - 1])}`;
      expect(after.failures, where).toEqual([]);
      expect(after.trash, where).toEqual([]);
      const isKnown = after.known.length > 0;
      if (isKnown) expect(after.isThere, where).toBe(true);
      if (cut >= isDestroyedAt) expect([isKnown, after.isThere], where).toEqual([false, false]);
      if (cut === isMadeAt) expect([isKnown, after.isThere], where).toEqual([true, true]);
      // Between the two, what is written down decides.
      if (cut > isMadeAt && !isKnown) expect(after.isThere, where).toBe(false);
      expect(after.identity.checkpointedResources ?? [], where).toEqual(after.known);
    }
  }
});
