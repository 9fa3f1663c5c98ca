import { test } from 'vitest';
import { CORE_MUTANTS } from './mutants.js';
import { simulateCore } from './simulate-core.js';

test('x', async () => {
  for (const [what, mutant] of Object.entries(CORE_MUTANTS)) {
    if (process.env['M'] && !what.includes(process.env['M'])) continue;
    const t = process.cpuUsage();
    let seed = 0;
    let v: string | undefined;
    while (v === undefined && seed < Number(process.env['N'] ?? 25))
      v = (await simulateCore({ seed: ++seed, mutant })).violation;
    const c = process.cpuUsage(t);
    console.log(
      v ? `caught ${seed}` : 'MISSED',
      Math.round((c.user + c.system) / 1000),
      what,
      '=>',
      (v ?? '').slice(0, 150),
    );
  }
}, 900000);
