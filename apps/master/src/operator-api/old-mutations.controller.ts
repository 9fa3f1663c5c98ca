import { Body, Controller, Delete, Get, Inject, Param, Post, Put, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiError, type FieldNames, principalOf } from '#platform';
import { MasterService } from '../master.service.js';
import { redirect } from '../v1-gate.js';
import { answerOperatorCall } from './operator-calls.js';
import {
  viewMaintenanceStatus,
  viewQuota,
  viewSchedule,
  viewWeights,
} from './operator-decisions.js';

/** Each endpoint also under /master. */
const paths = (name: string): string[] => [name, `master/${name}`];

interface Request {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/**
 * The endpoints of old that change something: each is another form of a v1 operator call, and is read, judged and
 * answered as that one. A master that does not lead answers 307.
 */
@Controller()
export class OldMutationsController {
  constructor(@Inject(MasterService) private readonly master: MasterService) {}

  @Post(paths('teardown'))
  async tearDown(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @Body() body: unknown,
  ) {
    await this.change(
      { request, reply },
      'TEARDOWN',
      { framework_id: { value: fieldOf(body, 'frameworkId') } },
      { 'teardown.framework_id.value': 'frameworkId' },
    );
  }

  @Get(paths('weights'))
  async weights(@Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    await this.read({ request, reply }, () => viewWeights(this.master.state));
  }

  @Put(paths('weights'))
  async updateWeights(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @Body() body: unknown,
  ) {
    await this.change({ request, reply }, 'UPDATE_WEIGHTS', { weight_infos: given(body) });
  }

  @Get(paths('quota'))
  async quota(@Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    await this.read({ request, reply }, () => viewQuota(this.master.state));
  }

  @Post(paths('quota'))
  async setQuota(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @Body() body: unknown,
  ) {
    await this.change({ request, reply }, 'SET_QUOTA', { quota_request: given(body) });
  }

  @Delete(paths('quota/:role'))
  async removeQuota(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @Param('role') role: string,
  ) {
    await this.change({ request, reply }, 'REMOVE_QUOTA', { role });
  }

  @Post(paths('reserve'))
  async reserve(@Req() request: FastifyRequest, @Res() reply: FastifyReply, @Body() body: unknown) {
    await this.change({ request, reply }, 'RESERVE_RESOURCES', onAgent(body, 'resources'));
  }

  @Post(paths('unreserve'))
  async unreserve(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @Body() body: unknown,
  ) {
    await this.change({ request, reply }, 'UNRESERVE_RESOURCES', onAgent(body, 'resources'));
  }

  @Post(paths('create-volumes'))
  async createVolumes(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @Body() body: unknown,
  ) {
    await this.change({ request, reply }, 'CREATE_VOLUMES', onAgent(body, 'volumes'));
  }

  @Post(paths('destroy-volumes'))
  async destroyVolumes(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @Body() body: unknown,
  ) {
    await this.change({ request, reply }, 'DESTROY_VOLUMES', onAgent(body, 'volumes'));
  }

  @Get(paths('maintenance/schedule'))
  async schedule(@Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    await this.read({ request, reply }, () => viewSchedule(this.master.state));
  }

  @Post(paths('maintenance/schedule'))
  async updateSchedule(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @Body() body: unknown,
  ) {
    // Without windows it would be the empty schedule: a slip must not take the whole plan away.
    if (isObject(body) && fieldOf(body, 'windows') === undefined) {
      throw new ApiError(400, 'windows is required; an empty list takes the schedule away');
    }
    await this.change({ request, reply }, 'UPDATE_MAINTENANCE_SCHEDULE', {
      schedule: given(body),
    });
  }

  @Get(paths('maintenance/status'))
  async maintenanceStatus(@Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    await this.read({ request, reply }, () => viewMaintenanceStatus(this.master.state));
  }

  @Post(paths('machine/down'))
  async machineDown(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @Body() body: unknown,
  ) {
    await this.change({ request, reply }, 'START_MAINTENANCE', { machines: given(body) });
  }

  @Post(paths('machine/up'))
  async machineUp(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @Body() body: unknown,
  ) {
    await this.change({ request, reply }, 'STOP_MAINTENANCE', { machines: given(body) });
  }

  private async read({ request, reply }: Request, view: () => object): Promise<void> {
    if (await this.sentOn({ request, reply })) return;
    await reply.code(200).send(view());
  }

  private async change(
    { request, reply }: Request,
    type: string,
    content: Readonly<Record<string, unknown>>,
    names?: FieldNames,
  ): Promise<void> {
    if (await this.sentOn({ request, reply })) return;
    const name = type.toLowerCase();
    await answerOperatorCall(this.master, reply, {
      body: { type, [name]: content },
      principal: principalOf(request.raw),
      names: names ?? namesOf(name, content),
    });
  }

  private async sentOn({ request, reply }: Request): Promise<boolean> {
    const standing = await this.master.settled(0);
    if (standing.kind !== 'standby') return false;
    const answer = redirect(standing.leaderUrl, request.url);
    await reply
      .code(answer.status)
      .headers({ ...answer.headers })
      .send({ message: answer.message });
    return true;
  }
}

/** Mistakes are told by the names of the old form: the only field is the body, `slaveId` the agent. */
function namesOf(call: string, content: Readonly<Record<string, unknown>>): FieldNames {
  const fields = Object.keys(content);
  const [only] = fields;
  if (fields.length === 1 && only !== undefined && only !== 'role')
    return { [`${call}.${only}`]: '' };
  return { [`${call}.agent_id.value`]: 'slaveId', [call]: '' };
}

/** The body, which has to be there: what reads none as nothing would answer 200. */
function given(body: unknown): unknown {
  if (body === undefined || body === null) throw new ApiError(400, 'the body is empty');
  return body;
}

/** The form of old names the agent `slaveId` and gives resources as JSON in a text. */
function onAgent(body: unknown, field: 'resources' | 'volumes'): Readonly<Record<string, unknown>> {
  return { agent_id: { value: fieldOf(body, 'slaveId') }, [field]: listIn(body, field) };
}

function listIn(body: unknown, field: string): unknown {
  const value = fieldOf(body, field);
  if (value === undefined) throw new ApiError(400, `${field} is required`);
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch (error) {
    throw new ApiError(400, `${field} is not JSON`, { cause: error });
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const fieldOf = (value: unknown, name: string): unknown =>
  isObject(value) && Object.hasOwn(value, name) ? (value[name] ?? undefined) : undefined;
