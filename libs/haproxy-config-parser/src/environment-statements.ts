import type { EnvironmentState } from './condition-facts.js';
import { isCertainlySince } from './haproxy-version.js';

/**
 * Applies a line of `global` that changes variables: `setenv`, `presetenv`, `unsetenv`, `resetenv`, and `localpeer`, which sets
 * `HAPROXY_LOCALPEER`. A line HAProxy refuses changes nothing. Where it is not certain that the line is read, what it names
 * becomes unknown. Returns whether it was such a line. O(words), for `resetenv` O(variables).
 */
export function applyEnvironmentStatement(
  environment: EnvironmentState,
  words: readonly string[],
  { isCertain, version }: { readonly isCertain: boolean; readonly version?: string | undefined },
): boolean {
  const end = words.indexOf('');
  const [keyword = '', ...values] = end === -1 ? words : words.slice(0, end);
  const [name = '', value = ''] = values;
  switch (keyword) {
    case 'setenv':
    case 'presetenv':
      if (value === '' || !isVariableName(name)) return false;
      if (values.length > maxEnvironmentWords(version)) return false;
      if (keyword === 'setenv') set(environment, { name, value, isCertain });
      else preset(environment, { name, value, isCertain });
      return true;
    case 'localpeer':
      if (values.length !== 1) return false;
      set(environment, { name: 'HAPROXY_LOCALPEER', value: name, isCertain });
      return true;
    case 'unsetenv':
      for (const variable of values) {
        if (!isVariableName(variable)) break;
        unset(environment, variable, isCertain);
      }
      return true;
    case 'resetenv': {
      const kept = new Set(values);
      for (const variable of [...Object.keys(environment.values), ...environment.unknown]) {
        if (!kept.has(variable)) unset(environment, variable, isCertain);
      }
      return true;
    }
    default:
      return false;
  }
}

/** Since 3.2 the last `localpeer` of a file has set its variable before the first line is read. */
export const hasEarlyLocalPeer = (version: string | undefined): boolean =>
  isCertainlySince(version, '3.2');

/** Words behind `setenv` and `presetenv`: HAProxy before 3.0 took one more, and did not look at it. */
export const maxEnvironmentWords = (version: string | undefined): number =>
  isCertainlySince(version, '3.0') ? 2 : 3;

interface Assignment {
  readonly name: string;
  readonly value: string;
  readonly isCertain: boolean;
}

function set(environment: EnvironmentState, { name, value, isCertain }: Assignment): void {
  if (isCertain) {
    environment.values[name] = value;
    environment.unknown.delete(name);
  } else if (environment.values[name] !== value) {
    environment.unknown.add(name);
  }
}

function preset(environment: EnvironmentState, assignment: Assignment): void {
  const { name } = assignment;
  if (Object.hasOwn(environment.values, name) || environment.unknown.has(name)) return;
  set(environment, assignment);
}

function unset(environment: EnvironmentState, name: string, isCertain: boolean): void {
  if (isCertain) {
    delete environment.values[name];
    environment.unknown.delete(name);
  } else if (Object.hasOwn(environment.values, name)) {
    environment.unknown.add(name);
  }
}

function isVariableName(name: string): boolean {
  return name !== '' && !name.includes('=');
}
