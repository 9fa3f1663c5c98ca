import { createRoot, groupId, nextRoot, type RootGroup } from '#core';
import type { ChangeRules, Declaration } from './declaration.js';
import type { Outcome, Refusal } from './refusal.js';

/** The rules of a controller with default settings. */
export const rules: ChangeRules = {
  defaultRole: '*',
  features: new Set(['gpu_resources']),
  servicePorts: { min: 10_000, max: 20_000 },
};

const VERSION = '2025-01-01T00:00:00.000Z';

export const emptyRoot = (): RootGroup =>
  createRoot({
    revision: 1,
    version: VERSION,
    apps: [],
    groups: [{ id: groupId('/'), dependencies: [], enforceRole: false, version: VERSION }],
  });

/** The root after a declaration was accepted. */
export const applyDeclaration = (root: RootGroup, declared: Declaration): RootGroup =>
  nextRoot(root, declared, root.version);

/** The value, or a failure that shows the refusal. */
export function unwrap<Value>(outcome: Outcome<Value>): Value {
  if (outcome.ok) return outcome.value;
  throw new Error(`refused: ${JSON.stringify(outcome.refusal)}`);
}

/** The refusal, or a failure. */
export function refusalOf(outcome: Outcome<unknown>): Refusal {
  if (!outcome.ok) return outcome.refusal;
  throw new Error(`accepted: ${JSON.stringify(outcome.value)}`);
}
