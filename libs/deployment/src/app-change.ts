import { type App, type AppChange, isSameValue, stampVersion } from '#core';
import { APP_FIELD_RULES, type FieldChange } from './app-field-rules.js';
import type { ControllerAbilities } from './carried-checks.js';

/** A field that differs, and what that asks for. */
export interface FieldDifference {
  readonly field: keyof App;
  readonly change: FieldChange;
}

const NO_ABILITIES: ControllerAbilities = { commands: false };
const FIELDS = Object.keys(APP_FIELD_RULES) as (keyof App)[];

/** The fields that differ, by {@link APP_FIELD_RULES}. O(size of the definitions). */
export function compareFields(
  before: App,
  after: App,
  abilities: ControllerAbilities = NO_ABILITIES,
): readonly FieldDifference[] {
  if (before === after) return [];
  return FIELDS.flatMap((field): readonly FieldDifference[] => {
    const rule = APP_FIELD_RULES[field];
    if (rule === 'not-compared' || isSameValue(before[field], after[field])) return [];
    const change = typeof rule === 'function' ? rule(before, after, abilities) : rule;
    return [{ field, change }];
  });
}

/** `upgrade` wins over `in-place`, and that over `scale`. */
export function compareApps(
  oldApp: App,
  newApp: App,
  abilities: ControllerAbilities = NO_ABILITIES,
): AppChange {
  const changes = new Set(compareFields(oldApp, newApp, abilities).map(({ change }) => change));
  if (changes.has('restart')) return 'upgrade';
  if (changes.has('in-place')) return 'in-place';
  return changes.has('scale') ? 'scale' : 'none';
}

/** Writes version and version info (see `stampVersion`); returns `oldApp` itself when nothing changed. */
export const stampApp = (
  oldApp: App | undefined,
  newApp: App,
  version: string,
  options: { readonly restart: boolean; readonly abilities?: ControllerAbilities },
): App =>
  stampVersion(newApp, oldApp, {
    version,
    change: oldApp === undefined ? 'upgrade' : compareApps(oldApp, newApp, options.abilities),
    isRestart: options.restart,
  });

/**
 * Whether an instance whose definition carries this `lastConfigChangeAt` runs another configuration than `app`. It names
 * the configuration: scaling keeps it, and a rollback brings an earlier one back.
 */
export const isOutdated = (configVersion: string, app: App): boolean =>
  configVersion !== app.versionInfo.lastConfigChangeAt;
