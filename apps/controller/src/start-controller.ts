import { randomInt, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Gauge } from 'prom-client';
import { StoreUnavailableError } from '#core';
import { createScheduler } from '#framework';
import {
  type Daemon,
  findOwnCredential,
  type Logger,
  metricsRegistry,
  ownAuthorization,
  systemClock,
  tlsConnection,
} from '#platform';
import { createProber } from '#probes';
import { createControllerStore, createLeaseKeeper, type Database, openDatabase } from '#store';
import type { ControllerConfig } from './controller-config.js';
import { createControllerEngine } from './engine/create-controller-engine.js';
import type { RunningEngine } from './engine/engine.js';
import type { EnginePorts } from './engine/engine-ports.js';
import { EventHub } from './events/event-hub.js';
import { frameworkInfoOf } from './framework-info.js';
import { readHostMark } from './leadership/host-mark.js';
import { LeadershipLoop } from './leadership/leadership-loop.js';
import type { ControllerRuntime } from './runtime/controller-runtime.js';
import { createTaskCommands } from './sandbox/run-in-task.js';

/** How long one attempt to reach the database lasts before the log says again that it is away. */
const DATABASE_WAIT_MS = 30_000;
const DATABASE_RETRY_MS = 500;

export interface StartOptions {
  readonly config: ControllerConfig;
  readonly runtime: ControllerRuntime;
  readonly daemon: Daemon;
  readonly logger: Logger;
}

/**
 * Everything behind the API, once it listens: the database, then the lease, then the engine with its scheduler and
 * prober. Returns when the lease is being sought; resolves to the loop, whose state says who leads.
 */
export async function startController(options: StartOptions): Promise<LeadershipLoop> {
  const { runtime, logger } = options;
  const database = await connect(options);
  const place = `${runtime.authority}@${readHostMark() ?? runtime.settings.bootId}/`;
  let engine: RunningEngine | undefined;
  const loop = new LeadershipLoop({
    keeper: createLeaseKeeper(database),
    clock: systemClock,
    holder: `${place}${runtime.settings.bootId}`,
    isPredecessor: (holder) => holder.startsWith(place),
    url: runtime.origin,
    onElected: async (lease) => {
      const store = createControllerStore(database);
      const runCommand = createTaskCommands(() => engine?.view.frameworkId());
      engine = await createEngine(options, { store, lease, runCommand });
      // Stopped while it was loading.
      if (loop.state.kind !== 'leading') return;
      engine.start();
      runtime.open({ engine, store });
      showUnconfirmed(engine);
      const apps = engine.view.root().apps.size;
      logger.info({ epoch: lease.epoch, apps }, 'the controller leads');
    },
    onLost: (error) => endProcess(logger, error),
    log: (message, fields) => logger.info(fields, message),
  });
  // The engine halts at once, so the lease need not stand until it has let go of everything.
  runtime.onClose(async () => {
    await Promise.all([engine?.stop(), loop.stop()]);
  });
  runtime.onClose(() => database.close());
  loop.start();
  return loop;
}

/** Tries until it succeeds: a controller without database waits, it does not give up. */
async function connect({ config, logger }: StartOptions): Promise<Database> {
  for (;;) {
    try {
      return await openDatabase(config.databaseUrl, {
        waitMs: DATABASE_WAIT_MS,
        onConnectionError: (error) => logger.warn({ err: error }, 'a database connection broke'),
      });
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      logger.warn({ err: error }, 'the database is away; trying again');
      await sleep(DATABASE_RETRY_MS);
    }
  }
}

async function createEngine(
  options: StartOptions,
  given: Pick<EnginePorts, 'store' | 'lease' | 'runCommand'>,
): Promise<RunningEngine> {
  const { config, runtime, daemon, logger } = options;
  // A framework that names no principal is, to the master, whoever it subscribes as.
  const own = findOwnCredential('framework');
  return createControllerEngine(
    {
      ...given,
      connect: (handlers, frameworkId, roles) =>
        createScheduler({
          masters: config.masterUrls,
          frameworkInfo: () => frameworkInfoOf(config, runtime.origin, roles()),
          ...(frameworkId === undefined ? {} : { frameworkId }),
          handlers,
          clock: systemClock,
          headers: ownAuthorization('framework', (level, message) => logger[level](message)),
          tls: tlsConnection,
        }),
      prober: createProber(),
      sink: daemon.app.get(EventHub),
      clock: systemClock,
      newId: randomUUID,
      onFatal: (error) => endProcess(logger, error),
      log: {
        info: (message, fields) => logger.info(fields ?? {}, message),
        warn: (message, fields) => logger.warn(fields ?? {}, message),
        error: (message, fields) => logger.error(fields ?? {}, message),
      },
    },
    {
      role: config.rules.defaultRole,
      ...(config.rules.reservedPorts && { reservedPorts: config.rules.reservedPorts }),
      ...(own === undefined ? {} : { principal: own.principal }),
      seed: randomInt(1, 2 ** 31),
    },
  );
}

function showUnconfirmed(engine: RunningEngine): void {
  const name = 'pacer_controller_unconfirmed_instances';
  metricsRegistry.removeSingleMetric(name);
  new Gauge({
    name,
    help: 'Placed instances nothing was heard of since this controller began to lead',
    registers: [metricsRegistry],
    collect() {
      this.set(engine.unconfirmedCount());
    },
  });
}

/** Leadership is lost or an invariant broke: a supervisor starts us again, as a standby. */
function endProcess(logger: Logger, error: Error): void {
  logger.fatal({ err: error }, `controller ends: ${error.message}`);
  process.exit(1);
}
