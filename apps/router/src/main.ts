import { mkdirSync } from 'node:fs';
import { startDaemon } from '#platform';
import { routerModule } from './router.module.js';
import { RouterService } from './router.service.js';
import { readRouterConfig } from './router-config.js';

const config = readRouterConfig();
mkdirSync(config.dataDirectory, { recursive: true, mode: 0o700 });
const daemon = await startDaemon({
  name: 'router',
  description: 'Follows the controller and keeps HAProxy pointed at whatever is healthy.',
  module: routerModule(config),
  host: config.host,
  port: config.port,
});
await daemon.app.get(RouterService).start();
