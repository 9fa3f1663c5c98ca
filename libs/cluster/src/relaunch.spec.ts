import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RelaunchWorld } from './relaunch.test-support.js';

/** For a loaded machine, and for shrinking when it fails. */
const LIMIT_MS = 120_000;

const step = fc.record({
  kind: fc.constantFrom(
    ...['launch', 'launch', 'launch', 'kill'],
    ...['deliver', 'deliver', 'deliver', 'deliver', 'deliver'],
    ...['arrives', 'arrives', 'arrives', 'is-lost', 'comes-twice'],
    ...['start', 'start', 'dying', 'any', 'acknowledge', 'acknowledge', 'acknowledge'],
    ...['cut', 'restart'],
  ),
  which: fc.nat({ max: 3 }),
});

function play(world: RelaunchWorld, kind: string, which: number): void {
  const use = world.uses[which];
  if (kind === 'launch' && use !== undefined) world.launch(use);
  else if (kind === 'kill' && use !== undefined) world.kill(use);
  else if (kind === 'deliver') world.deliver();
  else if (kind === 'arrives' || kind === 'is-lost' || kind === 'comes-twice') world.carry(kind);
  else if (kind === 'start') world.start();
  else if (kind === 'dying' || kind === 'any') world.exit(kind);
  else if (kind === 'acknowledge') world.acknowledge();
  else if (kind === 'cut') world.cut();
  else if (kind === 'restart') world.restart();
}

test(
  'ids that two frameworks use again and again: each launch starts once, runs, is told and ended as itself',
  () => {
    let launches = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: 60, maxLength: 250, size: 'max' }), (steps) => {
        const world = new RelaunchWorld();

        for (const { kind, which } of steps) play(world, kind, which);
        world.letThrough();
        const missing = world.missing();
        const running = world.processes.size;
        for (const use of world.uses) world.kill(use);
        world.letThrough();
        launches += world.master.state.nextLaunchNumber;

        expect(missing).toEqual([]);
        expect(running).toBeLessThanOrEqual(world.uses.length);
        expect([...world.processes.keys()]).toEqual([]);
        expect([...world.state.tasks.keys()]).toEqual([]);
        expect(world.uses.every(({ isFree }) => isFree)).toBe(true);
        for (const framework of world.master.state.frameworks.values()) {
          expect([...framework.tasks.keys()]).toEqual([]);
        }
      }),
      { numRuns: 150 },
    );
    // Else it would show nothing.
    expect(launches).toBeGreaterThan(150 * 4);
  },
  LIMIT_MS,
);
