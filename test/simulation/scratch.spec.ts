import { test } from 'vitest';
import { isCalmSeed } from './report.js';
import { simulate } from './simulate.js';

const from = Number(process.env['SEED'] ?? 1);
const count = Number(process.env['COUNT'] ?? 20);
const lines = Number(process.env['LINES'] ?? 0);
test('scratch', async () => {
  const kinds = new Map<string, number[]>();
  const start = process.cpuUsage();
  let steps = 0;
  const conv: number[] = [];
  for (let seed = from; seed < from + count; seed += 1) {
    const r = await simulate({ seed, isCalm: isCalmSeed(seed) });
    steps += r.steps;
    if (r.convergedAfterMs !== undefined) conv.push(r.convergedAfterMs);
    if (lines > 0) process.stdout.write(r.trace(lines).join('\n') + '\n');
    if (r.violation === undefined) continue;
    const key = r.violation
      .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'ID')
      .replace(/\/(low|high)\/app-\d/g, 'APP')
      .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'T')
      .slice(0, 330);
    const k = key.replace(/\d+/g, 'N').slice(0, 90);
    if (!kinds.has(k)) process.stdout.write(`seed ${seed}: ${key}\n`);
    kinds.set(k, [...(kinds.get(k) ?? []), seed]);
  }
  for (const [k, seeds] of kinds)
    process.stdout.write(`${seeds.length}x ${k}: ${seeds.slice(0, 12)}\n`);
  const used = process.cpuUsage(start);
  const ms = (used.user + used.system) / 1000;
  process.stdout.write(
    `${(ms / count).toFixed(0)} ms a seed, ${Math.round(steps / count)} steps; conv max ${Math.max(...conv)}\n`,
  );
}, 3_000_000);
