import { test } from 'vitest';
import { describeFailure } from '../report.js';
import { simulateCore } from './simulate-core.js';

test('x', async () => {
  const first = Number(process.env['F'] ?? 1),
    n = Number(process.env['N'] ?? 5);
  const t = process.cpuUsage();
  let steps = 0,
    bad = 0,
    virt = 0;
  const conv: number[] = [];
  const kinds = new Map<string, number[]>();
  for (let s = first; s < first + n; s++) {
    const r = await simulateCore({ seed: s });
    steps += r.steps;
    virt += r.virtualMs;
    conv.push(r.convergedAfterMs ?? -1);
    if (r.violation) {
      bad++;
      const k = r.violation
        .replace(/[0-9a-f-]{8,}/g, 'H')
        .replace(/\d+/g, 'N')
        .slice(0, 160);
      kinds.set(k, [...(kinds.get(k) ?? []), s]);
      if (process.env['V'] && bad <= Number(process.env['V'])) console.log(describeFailure(r));
      if (process.env['T']) console.log(r.trace(Number(process.env['T'])).join('\n'));
    }
  }
  const c = process.cpuUsage(t);
  console.log({
    n,
    bad,
    perSeedMs: (c.user + c.system) / 1000 / n,
    stepsPer: steps / n,
    virtPer: virt / n,
    maxConv: Math.max(...conv),
  });
  for (const [k, v] of kinds) console.log(v.length, v.slice(0, 8).join(','), k);
}, 600000);
