import { hostname } from 'node:os';
import { createLogger, startDaemon, systemClock } from '#platform';
import { createLeaseKeeper, createMasterRegistry, openDatabase } from '#store';
import { masterAccess } from './access.js';
import { masterModule } from './master.module.js';
import { MasterService } from './master.service.js';
import { readMasterSettings, toFlags, toMasterConfig } from './master-settings.js';
import { findLogFile } from './operator-api/master-log.js';
import { installV1Gate } from './v1-gate.js';

/** The Mesos version whose API we speak; clients want dotted integers. */
const API_VERSION = '1.11.0';
const DATABASE_WAIT_MS = 60_000;

const logger = createLogger('master');
const settings = readMasterSettings();
const logFile = await findLogFile();

const database = await openDatabase(settings.databaseUrl, {
  waitMs: DATABASE_WAIT_MS,
  onConnectionError: (error) => logger.warn({ err: error }, 'a database connection broke'),
}).catch((error: Error) => {
  logger.fatal(`master cannot start: ${error.message}`);
  return process.exit(1);
});

const daemon = await startDaemon({
  name: 'master',
  description: 'Offers what agents have to frameworks: v1 scheduler, agent and operator API',
  host: settings.host,
  port: settings.port,
  logger,
  configure: installV1Gate,
  access: masterAccess,
  module: masterModule({
    registry: createMasterRegistry(database),
    leaseKeeper: createLeaseKeeper(database),
    clock: systemClock,
    logger,
    apiVersion: API_VERSION,
    hostname: advertisedHost(),
    config: toMasterConfig(settings),
    flags: toFlags(settings),
    ...(logFile === undefined ? {} : { logFile }),
    onFatal: (error) => {
      logger.fatal({ err: error }, `master ends: ${error.message}`);
      process.exit(1);
    },
  }),
});

const url = new URL(daemon.url);
url.hostname = advertisedHost();
daemon.app.get(MasterService).start(url.origin);

/** How others reach this host: as told, else the address bound to, else the host's own name. */
function advertisedHost(): string {
  if (settings.advertisedHost !== '') return settings.advertisedHost;
  return ['0.0.0.0', '::'].includes(settings.host) ? hostname() : settings.host;
}
