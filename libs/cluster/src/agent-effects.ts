import type { RunKey } from '#core';
import type { JournalRecord } from './agent-records.js';
import type { AgentEffect } from './agent-state.js';

/**
 * Moves what is written down about each run to its first such effect, as one effect: one flush instead of several, and
 * persist always comes before act. The order of all other effects is kept. O(n).
 */
export function groupJournal(effects: readonly AgentEffect[]): readonly AgentEffect[] {
  const records = new Map<RunKey, JournalRecord[]>();
  for (const effect of effects) {
    if (effect.kind !== 'journal') continue;
    const known = records.get(effect.run);
    if (known === undefined) records.set(effect.run, [...effect.records]);
    else known.push(...effect.records);
  }
  if (records.size === 0) return effects;
  const placed = new Set<RunKey>();
  const grouped: AgentEffect[] = [];
  for (const effect of effects) {
    const run = 'run' in effect ? effect.run : undefined;
    const mine = run === undefined ? undefined : records.get(run);
    if (run !== undefined && mine !== undefined && !placed.has(run)) {
      placed.add(run);
      grouped.push({ kind: 'journal', run, records: mine });
    }
    if (effect.kind !== 'journal') grouped.push(effect);
  }
  return grouped;
}
