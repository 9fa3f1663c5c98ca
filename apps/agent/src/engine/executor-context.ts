import type { AgentEvent, AgentIdentity, AgentState } from '#cluster';
import type { AgentEnginePorts, AgentEngineSettings } from './agent-engine-ports.js';
import type { ExecutorStreams } from './executor-streams.js';
import type { TimerTable } from './timer-table.js';

/** What the executors need of the engine they act for. */
export interface ExecutorContext {
  readonly ports: AgentEnginePorts;
  readonly settings: AgentEngineSettings;
  readonly timers: TimerTable;
  readonly streams: ExecutorStreams;
  readonly state: () => AgentState;
  readonly dispatch: (event: AgentEvent) => void;
  readonly persisted: (identity: AgentIdentity) => void;
}
