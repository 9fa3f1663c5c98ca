import {
  type AgentCall,
  type AgentExecutor,
  type AgentMessage,
  type AgentTask,
  type AgentUpdate,
  type LaunchId,
  MAX_UPDATES,
  type StreamPosition,
} from './agent-protocol.js';
import { TEXT_LIMITS } from './call-limits.js';
import {
  boolean,
  closedMessage,
  type Decoder,
  listOf,
  nonEmptyText,
  number,
  openMessage,
  optional,
  repeated,
  required,
  text,
  textUpTo,
  wholeNumber,
  withoutBounds,
} from './decode.js';
import { type Parsed, parseTagged, parseWith, tag } from './decode-tagged.js';
import { duration, executorInfo, killPolicy, taskInfo, taskStatus } from './decode-tasks.js';
import { agentInfo, frameworkInfo, idValue, registeredId, wireResource } from './decode-values.js';

/** Reads the body of `POST /api/v1/agent`. */
export function parseAgentCall(input: unknown): Parsed<AgentCall> {
  return parseTagged(input, AGENT_CALLS, { isBounded: true });
}

/** Reads one record of the stream from the master to an agent. */
export function parseAgentMessage(input: unknown): Parsed<AgentMessage> {
  const position = parseWith(input, readPosition, { isBounded: false });
  return position.kind === 'parsed'
    ? parseTagged(input, AGENT_MESSAGES, { isBounded: false })
    : position;
}

type CallOf<Type extends AgentCall['type']> = Extract<AgentCall, { readonly type: Type }>;
type MessageOf<Type extends AgentMessage['type']> = Extract<AgentMessage, { readonly type: Type }>;

const readPosition: Decoder<StreamPosition> = closedMessage<StreamPosition>({
  epoch: required(wholeNumber),
  stream_id: required(nonEmptyText),
  sequence: required(wholeNumber),
});

const broughtBack = <Value>(decode: Decoder<Value>) => ({
  ...repeated(decode),
  decode: withoutBounds(listOf(decode)),
});

const launchId: Decoder<LaunchId> = closedMessage<LaunchId>({
  epoch: required(number),
  number: required(number),
});

const agentTask: Decoder<AgentTask> = closedMessage<AgentTask>({
  framework_id: required(registeredId),
  task: required(taskInfo),
  state: required(nonEmptyText),
  latest_status: required(taskStatus),
  launch_id: optional(launchId),
});

const agentUpdate: Decoder<AgentUpdate> = closedMessage<AgentUpdate>({
  framework_id: required(registeredId),
  status: required(taskStatus),
  latest_state: required(nonEmptyText),
  launch_id: optional(launchId),
});

const agentExecutor: Decoder<AgentExecutor> = closedMessage<AgentExecutor>({
  framework_id: required(registeredId),
  executor: required(executorInfo),
  launch_id: optional(launchId),
});

const AGENT_CALLS: Readonly<Record<AgentCall['type'], Decoder<AgentCall>>> = {
  SUBSCRIBE: closedMessage<CallOf<'SUBSCRIBE'>>({
    type: required(tag('SUBSCRIBE')),
    subscribe: required(
      closedMessage<CallOf<'SUBSCRIBE'>['subscribe']>({
        agent_info: required(agentInfo),
        version: required(textUpTo(TEXT_LIMITS.name)),
        highest_epoch: required(wholeNumber),
        last_applied: optional(readPosition),
        // What a master launched once comes back, whatever the limits are by now.
        tasks: broughtBack(agentTask),
        frameworks: broughtBack(frameworkInfo),
        checkpointed_resources: optional(withoutBounds(listOf(wireResource))),
        executors: optional(withoutBounds(listOf(agentExecutor))),
      }),
    ),
  }),
  UPDATE: closedMessage<CallOf<'UPDATE'>>({
    type: required(tag('UPDATE')),
    agent_id: required(registeredId),
    stream_id: required(nonEmptyText),
    update: required(withoutBounds(agentUpdate)),
  }),
  UPDATES: closedMessage<CallOf<'UPDATES'>>({
    type: required(tag('UPDATES')),
    agent_id: required(registeredId),
    stream_id: required(nonEmptyText),
    updates: required((input, path, issues) =>
      Array.isArray(input) && input.length > MAX_UPDATES
        ? issues.add(path, `has ${input.length} items; at most ${MAX_UPDATES} are allowed`)
        : withoutBounds(listOf(agentUpdate))(input, path, issues),
    ),
  }),
  PONG: closedMessage<CallOf<'PONG'>>({
    type: required(tag('PONG')),
    agent_id: required(registeredId),
    stream_id: required(nonEmptyText),
  }),
  CHECKPOINTED: closedMessage<CallOf<'CHECKPOINTED'>>({
    type: required(tag('CHECKPOINTED')),
    agent_id: required(registeredId),
    stream_id: required(nonEmptyText),
    checkpointed: required(
      closedMessage<CallOf<'CHECKPOINTED'>['checkpointed']>({ sequence: required(wholeNumber) }),
    ),
  }),
  MESSAGE: closedMessage<CallOf<'MESSAGE'>>({
    type: required(tag('MESSAGE')),
    agent_id: required(registeredId),
    stream_id: required(nonEmptyText),
    message: required(
      closedMessage<CallOf<'MESSAGE'>['message']>({
        framework_id: required(registeredId),
        executor_id: required(idValue),
        data: required(text),
      }),
    ),
  }),
  EXITED_EXECUTOR: closedMessage<CallOf<'EXITED_EXECUTOR'>>({
    type: required(tag('EXITED_EXECUTOR')),
    agent_id: required(registeredId),
    stream_id: required(nonEmptyText),
    exited_executor: required(
      closedMessage<CallOf<'EXITED_EXECUTOR'>['exited_executor']>({
        framework_id: required(registeredId),
        executor_id: required(idValue),
        status: required(number),
        launch_id: optional(launchId),
      }),
    ),
  }),
};

const position = {
  epoch: required(wholeNumber),
  stream_id: required(nonEmptyText),
  sequence: required(wholeNumber),
} as const;

const reason = openMessage<{ readonly message: string }>({ message: required(text) });

const AGENT_MESSAGES: Readonly<Record<AgentMessage['type'], Decoder<AgentMessage>>> = {
  SUBSCRIBED: closedMessage<MessageOf<'SUBSCRIBED'>>({
    ...position,
    type: required(tag('SUBSCRIBED')),
    subscribed: required(
      closedMessage<MessageOf<'SUBSCRIBED'>['subscribed']>({
        agent_id: required(idValue),
        master_id: required(text),
        ping_timeout_seconds: required(number),
      }),
    ),
  }),
  PING: closedMessage<MessageOf<'PING'>>({ ...position, type: required(tag('PING')) }),
  LAUNCH: closedMessage<MessageOf<'LAUNCH'>>({
    ...position,
    type: required(tag('LAUNCH')),
    launch: required(
      closedMessage<MessageOf<'LAUNCH'>['launch']>({
        framework: required(frameworkInfo),
        task: required(taskInfo),
        launch_id: optional(launchId),
        executor_launch_id: optional(launchId),
      }),
    ),
  }),
  LAUNCH_GROUP: closedMessage<MessageOf<'LAUNCH_GROUP'>>({
    ...position,
    type: required(tag('LAUNCH_GROUP')),
    launch_group: required(
      closedMessage<MessageOf<'LAUNCH_GROUP'>['launch_group']>({
        framework: required(frameworkInfo),
        executor: required(executorInfo),
        tasks: repeated(taskInfo),
        launch_id: optional(launchId),
        executor_launch_id: optional(launchId),
      }),
    ),
  }),
  CHECKPOINT_RESOURCES: closedMessage<MessageOf<'CHECKPOINT_RESOURCES'>>({
    ...position,
    type: required(tag('CHECKPOINT_RESOURCES')),
    checkpoint_resources: required(
      closedMessage<MessageOf<'CHECKPOINT_RESOURCES'>['checkpoint_resources']>({
        resources: repeated(wireResource),
      }),
    ),
  }),
  SHUTDOWN_EXECUTOR: closedMessage<MessageOf<'SHUTDOWN_EXECUTOR'>>({
    ...position,
    type: required(tag('SHUTDOWN_EXECUTOR')),
    shutdown_executor: required(
      closedMessage<MessageOf<'SHUTDOWN_EXECUTOR'>['shutdown_executor']>({
        framework_id: required(idValue),
        executor_id: required(idValue),
      }),
    ),
  }),
  MESSAGE: closedMessage<MessageOf<'MESSAGE'>>({
    ...position,
    type: required(tag('MESSAGE')),
    message: required(
      closedMessage<MessageOf<'MESSAGE'>['message']>({
        framework_id: required(idValue),
        executor_id: required(idValue),
        data: required(text),
      }),
    ),
  }),
  DRAIN: closedMessage<MessageOf<'DRAIN'>>({
    ...position,
    type: required(tag('DRAIN')),
    drain: required(
      closedMessage<MessageOf<'DRAIN'>['drain']>({
        max_grace_period: optional(duration),
        mark_gone: required(boolean),
      }),
    ),
  }),
  KILL: closedMessage<MessageOf<'KILL'>>({
    ...position,
    type: required(tag('KILL')),
    kill: required(
      closedMessage<MessageOf<'KILL'>['kill']>({
        framework_id: required(idValue),
        task_id: required(idValue),
        kill_policy: optional(killPolicy),
        launch_id: optional(launchId),
      }),
    ),
  }),
  ACKNOWLEDGE: closedMessage<MessageOf<'ACKNOWLEDGE'>>({
    ...position,
    type: required(tag('ACKNOWLEDGE')),
    acknowledge: required(
      closedMessage<MessageOf<'ACKNOWLEDGE'>['acknowledge']>({
        framework_id: required(idValue),
        task_id: required(idValue),
        uuid: required(text),
      }),
    ),
  }),
  SHUTDOWN_FRAMEWORK: closedMessage<MessageOf<'SHUTDOWN_FRAMEWORK'>>({
    ...position,
    type: required(tag('SHUTDOWN_FRAMEWORK')),
    shutdown_framework: required(
      closedMessage<MessageOf<'SHUTDOWN_FRAMEWORK'>['shutdown_framework']>({
        framework_id: required(idValue),
      }),
    ),
  }),
  SHUTDOWN: closedMessage<MessageOf<'SHUTDOWN'>>({
    ...position,
    type: required(tag('SHUTDOWN')),
    shutdown: required(reason),
  }),
  ERROR: closedMessage<MessageOf<'ERROR'>>({
    ...position,
    type: required(tag('ERROR')),
    error: required(reason),
  }),
};
