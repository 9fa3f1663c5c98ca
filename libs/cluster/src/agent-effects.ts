import type { JournalRecord } from './agent-records.js';
import type { AgentEffect } from './agent-state.js';

/**
 * Moves what is written down about each task to its first such effect, as one effect: one flush instead of several, and
 * persist always comes before act. The order of all other effects is kept. O(n).
 */
export function groupJournal(effects: readonly AgentEffect[]): readonly AgentEffect[] {
  const records = new Map<string, JournalRecord[]>();
  for (const effect of effects) {
    if (effect.kind !== 'journal') continue;
    const known = records.get(effect.taskId);
    if (known === undefined) records.set(effect.taskId, [...effect.records]);
    else known.push(...effect.records);
  }
  if (records.size === 0) return effects;
  const placed = new Set<string>();
  const grouped: AgentEffect[] = [];
  for (const effect of effects) {
    const taskId = 'taskId' in effect ? effect.taskId : undefined;
    const mine = taskId === undefined ? undefined : records.get(taskId);
    if (taskId !== undefined && mine !== undefined && !placed.has(taskId)) {
      placed.add(taskId);
      grouped.push({ kind: 'journal', taskId, records: mine });
    }
    if (effect.kind !== 'journal') grouped.push(effect);
  }
  return grouped;
}
