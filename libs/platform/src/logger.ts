import type { LoggerService } from '@nestjs/common';
import { type Logger as PinoLogger, pino } from 'pino';

/** A structured logger: `logger.info({ taskId }, 'task launched')`. One JSON line each on standard output. */
export type Logger = PinoLogger;

/** What Nest says about its own wiring; of interest only when debugging. */
const WIRING: ReadonlySet<unknown> = new Set([
  'InstanceLoader',
  'NestApplication',
  'NestFactory',
  'RouterExplorer',
  'RoutesResolver',
]);

/** Logger of one daemon. The level is `PACER_LOG_LEVEL`: `debug`, `info` (default), `warn`, `error` or `silent`. */
export function createLogger(
  name: string,
  level: string = process.env['PACER_LOG_LEVEL'] ?? 'info',
): Logger {
  return pino({ name, level, timestamp: pino.stdTimeFunctions.isoTime });
}

/** Passes what Nest logs to a {@link Logger}. */
export function toNestLogger(logger: Logger): LoggerService {
  const write = (
    level: 'debug' | 'info' | 'warn' | 'error' | 'fatal',
    message: unknown,
    rest: unknown[],
  ) => {
    const context = rest.at(-1);
    const text = message instanceof Error ? message.message : String(message);
    logger[level]({ context, ...(message instanceof Error ? { err: message } : {}) }, text);
  };
  return {
    log: (message, ...rest) => write(WIRING.has(rest.at(-1)) ? 'debug' : 'info', message, rest),
    error: (message, ...rest) => write('error', message, rest),
    warn: (message, ...rest) => write('warn', message, rest),
    debug: (message, ...rest) => write('debug', message, rest),
    verbose: (message, ...rest) => write('debug', message, rest),
    fatal: (message, ...rest) => write('fatal', message, rest),
  };
}
