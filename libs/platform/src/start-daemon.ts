import { createDaemon } from './create-daemon.js';
import type { Daemon, DaemonOptions } from './daemon.js';
import { createLogger, type Logger } from './logger.js';

/** A daemon that has not stopped by then is ended. */
const DEFAULT_STOP_LIMIT_MS = 10_000;

/**
 * Starts a daemon and ties it to the process: SIGTERM and SIGINT stop it within `stopLimitMs`, an unhandled rejection
 * or exception is logged and ends the process with code 1 (a supervisor restarts it, and it reconciles), and so does a
 * start that fails. Logs one line when it listens.
 */
export async function startDaemon(
  options: DaemonOptions & { readonly stopLimitMs?: number },
): Promise<Daemon> {
  const logger = options.logger ?? createLogger(options.name);
  crashLoudly(logger);
  try {
    const daemon = await createDaemon({ ...options, logger });
    stopOnSignal(daemon, options.stopLimitMs ?? DEFAULT_STOP_LIMIT_MS);
    logger.info({ url: daemon.url, pid: process.pid }, `${options.name} listening`);
    return daemon;
  } catch (error) {
    logger.fatal({ err: error }, `${options.name} cannot start: ${describe(error)}`);
    return process.exit(1);
  }
}

function crashLoudly(logger: Logger): void {
  process.on('unhandledRejection', (error) => {
    logger.fatal({ err: error }, `unhandled rejection: ${describe(error)}`);
    process.exit(1);
  });
  process.on('uncaughtException', (error) => {
    logger.fatal({ err: error }, `uncaught exception: ${describe(error)}`);
    process.exit(1);
  });
}

function stopOnSignal(daemon: Daemon, limitMs: number): void {
  let isStopping = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (isStopping) return;
    isStopping = true;
    daemon.logger.info({ signal }, 'stopping');
    setTimeout(() => {
      daemon.logger.error({ limitMs }, 'did not stop in time');
      process.exit(1);
    }, limitMs).unref();
    daemon.close().then(
      () => process.exit(0),
      (error: unknown) => {
        daemon.logger.error({ err: error }, 'stopping failed');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

const describe = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
