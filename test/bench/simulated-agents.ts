import { randomBytes, randomUUID } from 'node:crypto';
import { Agent as HttpAgent, type IncomingMessage, request } from 'node:http';
import { resources } from '#core';
import {
  type AgentCall,
  type AgentMessage,
  type AgentTask,
  type FrameworkInfo,
  RecordDecoder,
  type StreamPosition,
  type TaskInfo,
  type TaskStatus,
  toWireResources,
} from '#mesos-v1';
import { UpdateBatches } from '../../apps/agent/src/link/update-batches.js';

/**
 * Agents without a host: each has its own stream to the master over its own connection and keeps the protocol of agents
 * (libs/mesos-v1/src/agent-protocol.ts); a launched task runs at once and until it is killed, in whatever container, and passes its health check.
 */
export interface SimulatedAgentsOptions {
  readonly masterUrl: string;
  readonly count: number;
  /** Told once, when every agent is subscribed. */
  readonly onAllSubscribed: () => void;
  /** Tasks each agent brings along, as if launched long ago. */
  readonly tasksEach: number;
  /** Frameworks those tasks belong to, in turn. */
  readonly frameworks: readonly FrameworkInfo[];
  /** What each agent says of itself. */
  readonly attributes?: Readonly<Record<string, string>>;
}

const RETRY_MS = 200;
const POOL_SIZE = 64;
const LABELS = 10;

export class SimulatedAgents {
  private readonly agents: SimulatedAgent[] = [];
  private readonly pool = new HttpAgent({ keepAlive: true, maxSockets: POOL_SIZE });
  private subscribed = 0;
  private isOpen = true;

  constructor(readonly options: SimulatedAgentsOptions) {
    for (let index = 0; index < options.count; index += 1) {
      this.agents.push(new SimulatedAgent(this, index));
    }
  }

  start(): void {
    this.isOpen = true;
    for (const agent of this.agents) agent.connect();
  }

  /** Nobody connects any more until {@link start}. */
  hold(): void {
    this.isOpen = false;
  }

  connected(): void {
    this.subscribed += 1;
    if (this.subscribed === this.agents.length) this.options.onAllSubscribed();
  }

  disconnected(agent: SimulatedAgent, hadStream: boolean): void {
    if (hadStream) this.subscribed -= 1;
    if (this.isOpen) setTimeout(() => agent.connect(), RETRY_MS * (0.5 + Math.random()));
  }

  /** Rejects unless it is answered 202. */
  post(call: AgentCall): Promise<void> {
    return new Promise((resolve, reject) => {
      this.call(call, (status) => {
        if (status === 202) resolve();
        else reject(new Error(`${call.type} was answered ${status}`));
      });
    });
  }

  private call(call: AgentCall, onAnswer: (status: number) => void): void {
    const body = JSON.stringify(call);
    const post = request(`${this.options.masterUrl}/api/v1/agent`, {
      agent: this.pool,
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
    });
    post.on('response', (response) => {
      response.resume();
      onAnswer(response.statusCode ?? 0);
    });
    post.on('error', () => onAnswer(0));
    post.end(body);
  }
}

class SimulatedAgent {
  private id: string | undefined;
  private streamId = '';
  private highestEpoch = 0;
  private lastApplied: StreamPosition | undefined;
  private updates: UpdateBatches | undefined;
  private readonly tasks = new Map<string, AgentTask>();

  constructor(
    private readonly owner: SimulatedAgents,
    private readonly index: number,
  ) {}

  connect(): void {
    const body = JSON.stringify(this.subscription());
    let hadStream = false;
    let isOver = false;
    const over = () => {
      if (isOver) return;
      isOver = true;
      this.owner.disconnected(this, hadStream);
    };
    const post = request(`${this.owner.options.masterUrl}/api/v1/agent`, {
      agent: false,
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
    });
    post.on('response', (response) => {
      response.on('close', over);
      response.on('error', over);
      if (response.statusCode !== 200) {
        response.resume();
        return;
      }
      hadStream = true;
      this.follow(response);
    });
    post.on('error', over);
    post.end(body);
  }

  private follow(response: IncomingMessage): void {
    const decoder = new RecordDecoder();
    response.on('data', (chunk: Buffer) => {
      for (const record of decoder.push(chunk)) {
        // Our own master's messages need no check here.
        this.receive(JSON.parse(Buffer.from(record).toString()) as AgentMessage);
      }
    });
  }

  private receive(message: AgentMessage): void {
    const { epoch, stream_id, sequence } = message;
    this.lastApplied = { epoch, stream_id, sequence };
    this.highestEpoch = Math.max(this.highestEpoch, epoch);
    switch (message.type) {
      case 'SUBSCRIBED':
        this.streamId = stream_id;
        this.id = message.subscribed.agent_id.value;
        this.updates = new UpdateBatches(this.caller(), (call) => this.owner.post(call));
        if (this.tasks.size === 0) this.bringTasks(this.id);
        this.owner.connected();
        return;
      case 'PING':
        this.owner.post({ type: 'PONG', ...this.caller() }).catch(() => undefined);
        return;
      case 'LAUNCH':
        this.run(message.launch.framework, message.launch.task);
        return;
      case 'KILL':
        this.end(message.kill.task_id.value);
        return;
      default:
        return;
    }
  }

  /** Until it is answered: the master may be away, and the real agent repeats too. */
  private report(frameworkId: string, status: TaskStatus): void {
    const update = { framework_id: { value: frameworkId }, status, latest_state: status.state };
    this.updates?.add(update).catch(() => {
      setTimeout(() => this.report(frameworkId, status), RETRY_MS);
    });
  }

  private run(framework: FrameworkInfo, task: TaskInfo): void {
    const frameworkId = framework.id ?? { value: '' };
    const uuid = randomBytes(16).toString('base64');
    const isChecked = task.health_check !== undefined;
    const status = {
      ...this.statusOf(task.task_id.value, uuid),
      ...(isChecked ? { healthy: true } : {}),
    };
    const known = { framework_id: frameworkId, task, state: status.state, latest_status: status };
    this.tasks.set(task.task_id.value, known);
    this.report(frameworkId.value, status);
  }

  private end(taskId: string): void {
    const known = this.tasks.get(taskId);
    if (known === undefined) return;
    this.tasks.delete(taskId);
    const uuid = randomBytes(16).toString('base64');
    this.report(known.framework_id.value, {
      ...this.statusOf(taskId, uuid),
      state: 'TASK_KILLED',
    });
  }

  private caller() {
    return { agent_id: { value: this.id ?? '' }, stream_id: this.streamId };
  }

  private statusOf(taskId: string, uuid?: string): TaskStatus {
    return {
      task_id: { value: taskId },
      state: 'TASK_RUNNING',
      source: 'SOURCE_EXECUTOR',
      timestamp: Date.now() / 1000,
      agent_id: { value: this.id ?? '' },
      ...(uuid === undefined ? {} : { uuid }),
    };
  }

  /** As the published figure has them: spread over the frameworks, ten labels each. */
  private bringTasks(agentId: string): void {
    const { tasksEach, frameworks } = this.owner.options;
    for (let number = 0; number < tasksEach; number += 1) {
      const framework = frameworks[number % frameworks.length];
      if (framework?.id === undefined) return;
      const taskId = randomUUID();
      const labels = Array.from({ length: LABELS }, (_, label) => ({
        key: `key-${label}`,
        value: `value-${label}`,
      }));
      this.tasks.set(taskId, {
        framework_id: framework.id,
        task: {
          name: 'task',
          task_id: { value: taskId },
          agent_id: { value: agentId },
          resources: toWireResources(resources({ cpus: 0.1, mem: 32 }), { allocatedTo: '*' }),
          command: { value: 'sleep 1000' },
          labels: { labels },
        },
        state: 'TASK_RUNNING',
        latest_status: this.statusOf(taskId),
      });
    }
  }

  private subscription(): AgentCall {
    return {
      type: 'SUBSCRIBE',
      subscribe: {
        agent_info: {
          ...(this.id === undefined ? {} : { id: { value: this.id } }),
          hostname: `host-${this.index}`,
          port: 5051,
          resources: toWireResources(
            resources({
              cpus: 64,
              mem: 488_000,
              disk: 1_000_000,
              ports: [{ begin: 31_000, end: 32_000 }],
            }),
          ),
          attributes: Object.entries(this.owner.options.attributes ?? {}).map(([name, value]) => ({
            ...{ name, type: 'TEXT' as const, text: { value } },
          })),
        },
        version: '1',
        highest_epoch: this.highestEpoch,
        ...(this.lastApplied === undefined ? {} : { last_applied: this.lastApplied }),
        tasks: [...this.tasks.values()],
        frameworks: this.tasks.size === 0 ? [] : this.owner.options.frameworks,
      },
    };
  }
}
