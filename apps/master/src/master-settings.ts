import type { MasterConfig } from '#cluster';
import {
  ConfigError,
  numeric,
  parsed,
  portNumber,
  readConfig,
  type Setting,
  text,
} from '#platform';

/** The master's settings: what they are called, what they may be, and what they are when nobody says. */

type RateLimit = NonNullable<MasterConfig['agentRemovalRateLimit']>;
export type MasterSettings = ReturnType<typeof readMasterSettings>;

const UNITS_MS = {
  ms: 1,
  secs: 1_000,
  mins: 60_000,
  hrs: 3_600_000,
  days: 86_400_000,
  weeks: 604_800_000,
} as const;
type Unit = keyof typeof UNITS_MS;

const DAY_MS = UNITS_MS.days;
const NONE = 'none';

/** Reads the settings; mistakes are reported all at once, those between two settings after those of each. */
export function readMasterSettings(source: Parameters<typeof readConfig>[1] = {}) {
  const settings = readConfig(
    {
      host: text('PACER_HOST', '127.0.0.1'),
      port: portNumber('PACER_PORT', 5050),
      databaseUrl: text('DATABASE_URL'),
      advertisedHost: text('PACER_ADVERTISED_HOST', ''),
      agentPingIntervalMs: duration('PACER_AGENT_PING_INTERVAL', '3secs', [500, DAY_MS]),
      agentTimeoutMs: duration('PACER_AGENT_TIMEOUT', '10secs', [1_000, DAY_MS]),
      agentReregisterTimeoutMs: duration('PACER_AGENT_REREGISTER_TIMEOUT', '1mins', [
        1_000,
        7 * DAY_MS,
      ]),
      offerTimeoutMs: parsed(
        'PACER_OFFER_TIMEOUT',
        (given) =>
          given === NONE ? Number.POSITIVE_INFINITY : parseDuration(given, [1_000, 365 * DAY_MS]),
        2 * UNITS_MS.mins,
      ),
      agentRemovalRateLimit: parsed<RateLimit | typeof NONE>(
        'PACER_AGENT_REMOVAL_RATE_LIMIT',
        (given) => (given === NONE ? NONE : parseRateLimit(given)),
        NONE,
      ),
      recoveryAgentRemovalLimitPercent: parsed(
        'PACER_RECOVERY_AGENT_REMOVAL_LIMIT',
        parsePercent,
        100,
      ),
      forgottenAgentMaxAgeMs: duration('PACER_FORGOTTEN_AGENT_MAX_AGE', '2weeks', [
        60_000,
        3_650 * DAY_MS,
      ]),
      maxForgottenAgents: numeric('PACER_MAX_FORGOTTEN_AGENTS', {
        fallback: 102_400,
        min: 1,
        max: 1_000_000,
      }),
      quotaRecoveryTimeoutMs: duration('PACER_QUOTA_RECOVERY_TIMEOUT', '10mins', [0, DAY_MS]),
      stagingTimeoutMs: duration('PACER_TASK_STAGING_TIMEOUT', '15mins', [60_000, 7 * DAY_MS]),
      drainNoticeMs: duration('PACER_DRAIN_NOTICE', '1mins', [0, DAY_MS]),
      region: text('PACER_REGION', ''),
    },
    source,
  );
  const { agentPingIntervalMs, agentTimeoutMs, agentReregisterTimeoutMs } = settings;
  if (agentTimeoutMs < 2 * agentPingIntervalMs) {
    throw new ConfigError(
      `PACER_AGENT_TIMEOUT: ${formatDuration(agentTimeoutMs)} is less than twice PACER_AGENT_PING_INTERVAL, ${formatDuration(agentPingIntervalMs)}`,
    );
  }
  if (agentReregisterTimeoutMs < agentTimeoutMs) {
    throw new ConfigError(
      `PACER_AGENT_REREGISTER_TIMEOUT: ${formatDuration(agentReregisterTimeoutMs)} is less than PACER_AGENT_TIMEOUT, ${formatDuration(agentTimeoutMs)}`,
    );
  }
  return settings;
}

/** The part that goes into the reducer. */
export const toMasterConfig = (settings: MasterSettings): Partial<MasterConfig> => ({
  pingIntervalMs: settings.agentPingIntervalMs,
  agentTimeoutMs: settings.agentTimeoutMs,
  agentReregisterTimeoutMs: settings.agentReregisterTimeoutMs,
  offerTimeoutMs: settings.offerTimeoutMs,
  ...(settings.agentRemovalRateLimit === NONE
    ? {}
    : { agentRemovalRateLimit: settings.agentRemovalRateLimit }),
  recoveryAgentRemovalLimitPercent: settings.recoveryAgentRemovalLimitPercent,
  forgottenAgentMaxAgeMs: settings.forgottenAgentMaxAgeMs,
  maxForgottenAgents: settings.maxForgottenAgents,
  quotaRecoveryTimeoutMs: settings.quotaRecoveryTimeoutMs,
  stagingDeadlineMs: settings.stagingTimeoutMs,
  drainNoticeMs: settings.drainNoticeMs,
  ...(settings.region === '' ? {} : { allocator: { region: settings.region } }),
});

/** What `/flags` and GET_FLAGS tell, under Mesos' names where it has one. No secrets: the database's URL is not in it. */
export function toFlags(settings: MasterSettings): Readonly<Record<string, string>> {
  const { agentRemovalRateLimit: limit, offerTimeoutMs } = settings;
  return {
    ip: settings.host,
    port: String(settings.port),
    ...(settings.advertisedHost === '' ? {} : { hostname: settings.advertisedHost }),
    registry: 'postgresql',
    agent_ping_timeout: formatDuration(settings.agentPingIntervalMs),
    max_agent_ping_timeouts: String(
      Math.floor(settings.agentTimeoutMs / settings.agentPingIntervalMs),
    ),
    agent_timeout: formatDuration(settings.agentTimeoutMs),
    agent_reregister_timeout: formatDuration(settings.agentReregisterTimeoutMs),
    ...(limit === NONE
      ? {}
      : { agent_removal_rate_limit: `${limit.count}/${formatDuration(limit.perMs)}` }),
    recovery_agent_removal_limit: `${settings.recoveryAgentRemovalLimitPercent}%`,
    ...(Number.isFinite(offerTimeoutMs) ? { offer_timeout: formatDuration(offerTimeoutMs) } : {}),
    registry_max_agent_age: formatDuration(settings.forgottenAgentMaxAgeMs),
    registry_max_agent_count: String(settings.maxForgottenAgents),
    quota_recovery_timeout: formatDuration(settings.quotaRecoveryTimeoutMs),
    task_staging_timeout: formatDuration(settings.stagingTimeoutMs),
    drain_notice: formatDuration(settings.drainNoticeMs),
    ...(settings.region === '' ? {} : { domain: settings.region }),
  };
}

/** `10secs`, `1.5mins`: Mesos' notation of durations, with the largest unit that leaves a whole number. */
export function formatDuration(ms: number): string {
  const units = Object.entries(UNITS_MS).reverse();
  const [unit, unitMs] = units.find(([, size]) => ms >= size && ms % size === 0) ?? ['ms', 1];
  return `${ms / unitMs}${unit}`;
}

const duration = (
  variable: string,
  fallback: string,
  limits: readonly [number, number],
): Setting<number> =>
  parsed(variable, (given) => parseDuration(given, limits), parseDuration(fallback, limits));

function parseDuration(given: string, [min, max]: readonly [number, number]): number {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)(ms|secs|mins|hrs|days|weeks)$/.exec(given) ?? [];
  const ms = Number(amount) * (UNITS_MS[unit as Unit] ?? Number.NaN);
  if (!(ms >= min && ms <= max)) {
    throw new Error(
      `is not a duration such as 10secs or 2mins (ms, secs, mins, hrs, days, weeks) from ${formatDuration(min)} to ${formatDuration(max)}`,
    );
  }
  return ms;
}

/** `1/10secs`: so many in so long. */
function parseRateLimit(given: string): RateLimit {
  const [count = '', per = '', ...rest] = given.split('/');
  const isWhole = /^[1-9]\d{0,5}$/.test(count) && rest.length === 0;
  if (!isWhole) throw new Error('is neither none nor a rate such as 1/10secs');
  return { count: Number(count), perMs: parseDuration(per, [1, DAY_MS]) };
}

function parsePercent(given: string): number {
  const [, number] = /^(\d{1,3}(?:\.\d+)?)%$/.exec(given) ?? [];
  const percent = Number(number);
  if (!(percent >= 0 && percent <= 100)) throw new Error('is not a percentage from 0% to 100%');
  return percent;
}
