import { createLogger, startDaemon } from '#platform';
import { agentAccess } from './access.js';
import { agentModule } from './agent.module.js';
import { AGENT_VERSION, AgentService } from './agent.service.js';
import { readAgentConfig } from './agent-config.js';
import { installV1Gate } from './v1-gate.js';

const logger = createLogger('agent');
const config = readAgentConfig();
const daemon = await startDaemon({
  name: 'agent',
  module: agentModule(config, logger),
  access: agentAccess,
  acceptsUpgrades: true,
  configure: installV1Gate,
  host: config.host,
  port: config.port,
  version: AGENT_VERSION,
  description:
    'Runs tasks on one host: fetches, launches, checks and reports them, and serves their files.',
  logger,
});
try {
  await daemon.app.get(AgentService).start(daemon.port);
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error);
  logger.fatal({ err: error }, `the agent cannot start: ${reason}`);
  process.exit(1);
}
