import type { FastifyReply } from 'fastify';
import { type OperatorMutation, type OperatorProcessCall, parseOperatorCall } from '#mesos-v1';
import { type FieldNames, parsedOrThrow } from '#platform';
import type { MasterService } from '../master.service.js';
import { sendAnswer } from '../scheduler-api/scheduler.controller.js';
import { listLogFiles, readLogFile } from './master-log.js';

/** Calls that change reservations and volumes are answered before the agent has written them down, as Mesos does. */
const ACCEPTED: ReadonlySet<OperatorMutation['type']> = new Set<OperatorMutation['type']>([
  'RESERVE_RESOURCES',
  'UNRESERVE_RESOURCES',
  'CREATE_VOLUMES',
  'DESTROY_VOLUMES',
  'GROW_VOLUME',
  'SHRINK_VOLUME',
]);

/** Answers an operator call that changes something or has parameters: 501 for one we do not know, 400 for a bad one. */
export async function answerOperatorCall(
  master: MasterService,
  reply: FastifyReply,
  given: {
    readonly body: unknown;
    readonly principal: string | undefined;
    /** Of a request in an older form. */
    readonly names?: FieldNames;
  },
): Promise<void> {
  const call = parsedOrThrow(parseOperatorCall(given.body), 'operator call', given.names);
  if (isProcessCall(call)) await answerProcessCall(master, reply, call);
  else await sendMutation(master, reply, { call, principal: given.principal });
}

/** Carries out a change, from whichever endpoint, and answers once it is durable. */
export async function sendMutation(
  master: MasterService,
  reply: FastifyReply,
  given: { readonly call: OperatorMutation; readonly principal: string | undefined },
): Promise<void> {
  const { call, principal } = given;
  const answer = await master.writableEngine.callFromOperator({
    call,
    ...(principal === undefined ? {} : { principal }),
  });
  const isDone = answer.status === 200 || answer.status === 202;
  await sendAnswer(reply, isDone ? { status: ACCEPTED.has(call.type) ? 202 : 200 } : answer);
}

async function answerProcessCall(
  master: MasterService,
  reply: FastifyReply,
  call: OperatorProcessCall,
): Promise<void> {
  const { type } = call;
  switch (type) {
    case 'SET_LOGGING_LEVEL': {
      const { level, duration } = call.set_logging_level;
      master.loggingLevel.set(level, duration.nanoseconds / 1_000_000);
      await reply.code(200).send();
      return;
    }
    case 'LIST_FILES': {
      const file_infos = await listLogFiles(master.logFile, call.list_files.path);
      await reply.code(200).send({ type, list_files: { file_infos } });
      return;
    }
    case 'READ_FILE': {
      const read_file = await readLogFile(master.logFile, call.read_file);
      await reply.code(200).send({ type, read_file });
      return;
    }
    default:
      call satisfies never;
  }
}

const isProcessCall = (call: OperatorMutation | OperatorProcessCall): call is OperatorProcessCall =>
  call.type === 'SET_LOGGING_LEVEL' || call.type === 'LIST_FILES' || call.type === 'READ_FILE';
