import { Controller, Get } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { type AgentState, type AgentTask, frameworkIdOf } from '#cluster';
import { ApiError } from '#platform';
import { AGENT_VERSION, AgentService } from '../agent.service.js';
import { describeFrameworks, executorIdOf, taskDirectory } from './describe-frameworks.js';
import { stillRecovering } from './still-recovering.js';

/** What this agent is and runs. */
@ApiTags('agent')
@Controller()
export class StatusController {
  constructor(private readonly agent: AgentService) {}

  @Get('state')
  @ApiOperation({ summary: 'The agent: resources, launchers, master and tasks' })
  state(): unknown {
    const state = this.requireState();
    const { info } = this.agent;
    return {
      id: state.identity.agentId ?? null,
      hostname: info?.hostname,
      port: info?.port,
      version: AGENT_VERSION,
      pid: process.pid,
      resources: info?.resources,
      attributes: info?.attributes,
      launchers: this.agent.launchers,
      disk: describeDisk(this.agent.disk),
      master: {
        subscribed: state.master.current !== undefined,
        epoch: state.identity.highestEpoch,
        stream_id: state.master.current?.streamId ?? null,
      },
      frameworks: describeFrameworks(state),
      tasks: [...state.tasks.values()].map((task) => this.describeTask(task)),
      completed_tasks: [...state.completed.values()].map((task) => ({
        id: task.taskId,
        framework_id: task.frameworkId,
        executor_id: task.executorId ?? task.taskId,
        run: task.run,
        state: task.status.state,
        status: task.status,
        directory: taskDirectory(task),
      })),
    };
  }

  @Get('health')
  @ApiOperation({ summary: '200 while the agent can work; 503 and why not' })
  health(): unknown {
    const { state, disk } = this.agent;
    if (state === undefined) throw stillRecovering(disk);
    if (disk !== undefined) throw new ApiError(503, `The agent launches nothing: ${disk}`);
    return { healthy: true, disk: describeDisk(disk) };
  }

  @Get('monitor/statistics')
  @ApiOperation({ summary: 'What each running task uses, at most a second old' })
  statistics(): Promise<unknown> {
    this.requireState();
    return this.agent.statistics.read();
  }

  private describeTask(task: AgentTask): unknown {
    return {
      id: task.id,
      name: task.definition.name,
      framework_id: frameworkIdOf(task),
      executor_id: executorIdOf(task),
      run: task.run,
      state: task.stream.latest?.state ?? 'TASK_STAGING',
      phase: task.phase.kind,
      /** Of a launch that takes time: how far it is. */
      progress: task.phase.kind === 'launching' ? (task.phase.progress ?? null) : null,
      launcher: task.launcher,
      pid: task.launched?.pid ?? null,
      container_id: task.launched?.containerId ?? null,
      ip_address: task.launched?.ipAddress ?? null,
      resources: task.definition.resources,
      unacknowledged_updates: task.stream.pending.length,
      status: task.stream.latest ?? null,
      directory: taskDirectory({
        ...task,
        frameworkId: frameworkIdOf(task),
        executorId: executorIdOf(task),
      }),
    };
  }

  private requireState(): AgentState {
    const { state } = this.agent;
    if (state === undefined) {
      throw stillRecovering(this.agent.disk);
    }
    return state;
  }
}

const describeDisk = (problem: string | undefined): unknown =>
  problem === undefined ? { writable: true } : { writable: false, problem };
