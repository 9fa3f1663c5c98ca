import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import { createLogger, processTls, schemeOf, startDaemon } from '#platform';
import { controllerAccess } from './access.js';
import { controllerModule } from './controller.module.js';
import { readControllerConfig } from './controller-config.js';
import { configureHttp } from './http/configure-http.js';
import type { LeadershipLoop } from './leadership/leadership-loop.js';
import { ControllerRuntime } from './runtime/controller-runtime.js';
import { startController } from './start-controller.js';

const VERSION = '0.1.0';

const logger = createLogger('controller');
const config = readControllerConfig(userInfo().username);
const settings = {
  bootId: randomUUID().slice(0, 8),
  version: VERSION,
  rules: config.rules,
  masterUrls: config.masterUrls,
  taskUser: config.taskUser,
};
const runtime = new ControllerRuntime(settings, Date.now);

let leadership: LeadershipLoop | undefined;
const leaderUrl = (): string | undefined =>
  leadership?.state.kind === 'standby' ? leadership.state.leader?.url : undefined;

// Listens first: load balancers and the supervisor see it alive while it waits for the database or for its turn to lead.
const daemon = await startDaemon({
  name: 'controller',
  description: 'Marathon v2 API: apps, groups, deployments, tasks, queue, events',
  version: VERSION,
  host: config.host,
  port: config.port,
  logger,
  acceptsUpgrades: true,
  access: controllerAccess,
  module: controllerModule(runtime),
  configure: (app) => {
    const { uiFolder, maxRequests } = config;
    const limit = maxRequests === undefined ? {} : { maxRequests };
    return configureHttp(app, { runtime, leaderUrl, uiFolder, ...limit });
  },
});
runtime.announce({
  host: config.advertisedHost,
  port: daemon.port,
  scheme: schemeOf(processTls()?.settings),
});
leadership = await startController({ config, runtime, daemon, logger });
