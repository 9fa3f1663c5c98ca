/** Injection tokens of the agent. */
export const AGENT_CONFIG = Symbol('AgentConfig');
export const AGENT_LOGGER = Symbol('AgentLogger');
