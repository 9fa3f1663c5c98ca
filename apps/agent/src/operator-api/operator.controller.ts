import { Body, Controller, HttpCode, Inject, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { AgentState } from '#cluster';
import { parseOperatorCall } from '#mesos-v1';
import { ApiError, metricsRegistry, parsedOrThrow } from '#platform';
import { AGENT_VERSION, AgentService } from '../agent.service.js';
import { type AgentConfig, toFlags } from '../agent-config.js';
import { listFolder, openFile } from '../files/virtual-files.js';
import { stillRecovering } from '../status/still-recovering.js';
import { AGENT_CONFIG } from '../tokens.js';
import {
  viewContainers,
  viewExecutors,
  viewFile,
  viewFrameworks,
  viewTasks,
} from './operator-views.js';

/** Most bytes of one READ_FILE. */
const MAX_READ_BYTES = 4 * 1024 * 1024;

type Answer = (body: unknown) => Promise<object> | object;

/** The v1 operator API of this agent: what reads something of it. */
@ApiTags('operator')
@Controller(['api/v1', 'api/v1/operator'])
export class OperatorController {
  private readonly answers: Readonly<Record<string, Answer>> = {
    GET_HEALTH: () => ({ healthy: this.agent.disk === undefined }),
    GET_VERSION: () => ({ version_info: { version: AGENT_VERSION } }),
    GET_FLAGS: () => ({
      flags: Object.entries(toFlags(this.config)).map(([name, value]) => ({ name, value })),
    }),
    GET_LOGGING_LEVEL: () => ({ level: 0 }),
    GET_METRICS: async () => ({ metrics: await readMetrics() }),
    GET_AGENT: () => ({ agent_info: this.agentInfo() }),
    GET_TASKS: () => viewTasks(this.state()),
    GET_EXECUTORS: () => viewExecutors(this.state()),
    GET_FRAMEWORKS: () => viewFrameworks(this.state()),
    GET_CONTAINERS: async () => await this.containers(),
    GET_STATE: () => {
      const state = this.state();
      return {
        get_tasks: viewTasks(state),
        get_executors: viewExecutors(state),
        get_frameworks: viewFrameworks(state),
      };
    },
    LIST_FILES: async (body) => {
      const call = parse(body, 'LIST_FILES');
      const listed = await listFolder(this.agent, call.list_files.path);
      return { file_infos: listed.map(viewFile) };
    },
    READ_FILE: async (body) => await this.readFile(parse(body, 'READ_FILE').read_file),
  };

  constructor(
    private readonly agent: AgentService,
    @Inject(AGENT_CONFIG) private readonly config: AgentConfig,
  ) {}

  @Post()
  @HttpCode(200)
  @ApiOperation({ summary: 'Mesos v1 operator calls that read: {"type": "GET_STATE"}' })
  async call(@Body() body: unknown): Promise<object> {
    const type = (body as { readonly type?: unknown } | null | undefined)?.type;
    if (typeof type !== 'string') throw new ApiError(400, 'Expecting type to be present');
    const answer = Object.hasOwn(this.answers, type) ? this.answers[type] : undefined;
    if (answer === undefined) {
      throw new ApiError(501, `The operator call ${type.slice(0, 100)} is not implemented here`);
    }
    return { type, [type.toLowerCase()]: await answer(body) };
  }

  private async readFile(given: {
    readonly path: string;
    readonly offset: number;
    readonly length?: number;
  }): Promise<object> {
    const { file } = await openFile(this.agent, given.path);
    try {
      const { size } = await file.stat();
      const wanted = Math.min(given.length ?? MAX_READ_BYTES, MAX_READ_BYTES, size - given.offset);
      const buffer = Buffer.alloc(Math.max(0, wanted));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, given.offset);
      return { size, data: buffer.subarray(0, bytesRead).toString('base64') };
    } finally {
      await file.close();
    }
  }

  private async containers(): Promise<object> {
    const state = this.state();
    const measured = await this.agent.statistics.read();
    const byOwner = new Map(
      measured.map((one) => [`${one.framework_id} ${one.source}`, one.statistics]),
    );
    return viewContainers(state, (frameworkId, id) => byOwner.get(`${frameworkId} ${id}`));
  }

  private agentInfo(): object {
    const { agentId } = this.state().identity;
    return { ...this.agent.info, ...(agentId === undefined ? {} : { id: { value: agentId } }) };
  }

  private state(): AgentState {
    const { state } = this.agent;
    if (state === undefined) throw stillRecovering(this.agent.disk);
    return state;
  }
}

type FileCall = Extract<
  Extract<ReturnType<typeof parseOperatorCall>, { readonly kind: 'parsed' }>['value'],
  { readonly type: 'LIST_FILES' | 'READ_FILE' }
>;

/** The call with its parameters; 400 naming each that is missing or wrong. */
function parse<Type extends FileCall['type']>(
  body: unknown,
  type: Type,
): Extract<FileCall, { readonly type: Type }> {
  const call = parsedOrThrow(parseOperatorCall(body), 'operator call');
  if (call.type !== type) throw new ApiError(400, `Expecting a call of type ${type}`);
  return call as Extract<FileCall, { readonly type: Type }>;
}

/** Each sample under its name, with its labels in it. */
async function readMetrics(): Promise<readonly object[]> {
  const metrics = await metricsRegistry.getMetricsAsJSON();
  return metrics.flatMap(({ name, values }) =>
    values.map((sample) => {
      const own = (sample as { readonly metricName?: string }).metricName ?? name;
      const labels = Object.entries(sample.labels).map(([key, value]) => `${key}=${value}`);
      return { name: [own, ...labels].join('/'), value: sample.value };
    }),
  );
}
