/** Thrown at start for settings that cannot be used; the message names each variable, its value and what it must be. */
export class ConfigError extends Error {
  readonly code = 'CONFIG';
}

/** One setting: the environment variable it comes from and how its text becomes a value. */
export interface Setting<Value> {
  readonly variable: string;
  readonly fallback: Value | undefined;
  /** Throws an `Error` saying what the text must be. */
  readonly parse: (text: string) => Value;
}

type Values<Settings extends Readonly<Record<string, Setting<unknown>>>> = {
  readonly [Name in keyof Settings]: Settings[Name] extends Setting<infer Value> ? Value : never;
};

const FLAG_PREFIX = 'PACER_';

/**
 * Reads settings from flags (`PACER_EDGE_HTTP_PORT` is also `--edge-http-port 8000` or `--edge-http-port=8000`), then
 * the environment, then defaults. An empty variable counts as absent. All mistakes are reported at once.
 */
export function readConfig<Settings extends Readonly<Record<string, Setting<unknown>>>>(
  settings: Settings,
  source: {
    readonly environment?: Readonly<Record<string, string | undefined>>;
    readonly argv?: readonly string[];
  } = {},
): Values<Settings> {
  const environment = source.environment ?? process.env;
  const argv = source.argv ?? process.argv.slice(2);
  const values: Record<string, unknown> = {};
  const mistakes: string[] = [];
  for (const [name, setting] of Object.entries(settings)) {
    const text = readFlag(argv, flagOf(setting.variable)) ?? environment[setting.variable];
    if (text === undefined || text === '') {
      if (setting.fallback === undefined) mistakes.push(`${setting.variable} is required`);
      values[name] = setting.fallback;
      continue;
    }
    try {
      values[name] = setting.parse(text);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      mistakes.push(`${setting.variable}: ${JSON.stringify(text)} ${reason}`);
    }
  }
  if (mistakes.length > 0) throw new ConfigError(mistakes.join('; '));
  return values as Values<Settings>;
}

/** Free text. Without a default the setting is required. */
export const text = (variable: string, fallback?: string): Setting<string> => ({
  variable,
  fallback,
  parse: (value) => value,
});

/** A number within `min..max`, both included; `integer` unless `fraction` is set. */
export const numeric = (
  variable: string,
  options: {
    readonly fallback?: number;
    readonly min: number;
    readonly max: number;
    readonly fraction?: true;
  },
): Setting<number> => ({
  variable,
  fallback: options.fallback,
  parse: (value) => {
    const parsed = Number(value);
    const isWhole = options.fraction === true || Number.isInteger(parsed);
    if (value.trim() === '' || !isWhole || !(parsed >= options.min && parsed <= options.max)) {
      const kind = options.fraction === true ? 'a number' : 'a whole number';
      throw new Error(`is not ${kind} from ${options.min} to ${options.max}`);
    }
    return parsed;
  },
});

/** A TCP port; 0 takes a free one. */
export const portNumber = (variable: string, fallback?: number): Setting<number> =>
  numeric(variable, { min: 0, max: 65_535, ...(fallback === undefined ? {} : { fallback }) });

/** `true`, `1`, `yes` or `false`, `0`, `no`. */
export const toggle = (variable: string, fallback: boolean): Setting<boolean> => ({
  variable,
  fallback,
  parse: (value) => {
    if (/^(true|1|yes)$/i.test(value)) return true;
    if (/^(false|0|no)$/i.test(value)) return false;
    throw new Error('is neither true nor false');
  },
});

/** Texts separated by commas; blanks around them and empty ones are dropped. */
export const list = (
  variable: string,
  fallback?: readonly string[],
): Setting<readonly string[]> => ({
  variable,
  fallback,
  parse: (value) =>
    value
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== ''),
});

/** HTTP URLs separated by commas, without a trailing slash. */
export const urls = (
  variable: string,
  fallback?: readonly string[],
): Setting<readonly string[]> => ({
  variable,
  fallback,
  parse: (value) =>
    list(variable)
      .parse(value)
      .map((item) => {
        if (!URL.canParse(item) || !/^https?:/.test(item)) {
          throw new Error(`is not a list of http URLs (${JSON.stringify(item)})`);
        }
        return item.replace(/\/+$/, '');
      }),
});

/** Anything else: `parse` throws an `Error` saying what the text must be. */
export const parsed = <Value>(
  variable: string,
  parse: (text: string) => Value,
  fallback?: Value,
): Setting<Value> => ({ variable, fallback, parse });

const flagOf = (variable: string): string =>
  `--${(variable.startsWith(FLAG_PREFIX) ? variable.slice(FLAG_PREFIX.length) : variable)
    .toLowerCase()
    .replaceAll('_', '-')}`;

function readFlag(argv: readonly string[], flag: string): string | undefined {
  const index = argv.findIndex((word) => word === flag || word.startsWith(`${flag}=`));
  const word = argv[index];
  if (word === undefined) return undefined;
  return word === flag ? argv[index + 1] : word.slice(flag.length + 1);
}
