import {
  anything,
  closedMessage,
  type DecodeIssue,
  type Decoder,
  Issues,
  isRecord,
  listOf,
  number,
  optional,
  plainText,
  repeated,
  required,
  text,
} from './decode.js';
import {
  frameworkInfo,
  idValue,
  killPolicy,
  registeredId,
  taskInfo,
  wireResource,
} from './decode-values.js';
import type { Filters, OfferOperation, SchedulerCall } from './scheduler.js';

/** A parsed message, or why not: `unknown-type` is answered 501, `invalid` 400. */
export type Parsed<Message> =
  | { readonly kind: 'parsed'; readonly value: Message }
  | { readonly kind: 'unknown-type'; readonly type: string }
  | { readonly kind: 'invalid'; readonly issues: readonly DecodeIssue[] };

/** Reads the body of `POST /api/v1/scheduler`, with the structural rules of the call (not those of the cluster). */
export function parseSchedulerCall(input: unknown): Parsed<SchedulerCall> {
  return parseTagged(input, SCHEDULER_CALLS);
}

/** `type` picks the decoder; shared by the parsers of all our unions. */
export function parseTagged<Message>(
  input: unknown,
  decoders: Readonly<Record<string, Decoder<Message>>>,
): Parsed<Message> {
  const issues = new Issues();
  if (!isRecord(input)) {
    issues.add('', 'the body is not a JSON object');
    return { kind: 'invalid', issues: issues.list };
  }
  const type = input['type'];
  if (typeof type !== 'string') {
    issues.add('type', 'is required');
    return { kind: 'invalid', issues: issues.list };
  }
  const decode = Object.hasOwn(decoders, type) ? decoders[type] : undefined;
  if (decode === undefined) return { kind: 'unknown-type', type };
  const value = decode(input, '', issues);
  return value !== undefined && issues.list.length === 0
    ? { kind: 'parsed', value }
    : { kind: 'invalid', issues: issues.list };
}

/** The tag itself, known to be right when the decoder of that tag runs. */
export const tag = <Name extends string>(name: Name): Decoder<Name> => {
  return (input, path, issues) =>
    input === name ? name : issues.add(path, `is ${String(input)}, not ${name}`);
};

type CallOf<Type extends SchedulerCall['type']> = Extract<SchedulerCall, { readonly type: Type }>;
type OperationOf<Type extends OfferOperation['type']> = Extract<
  OfferOperation,
  { readonly type: Type }
>;

const UUID_BYTES = 16;
const uuidOfBase64: Decoder<string> = (input, path, issues) => {
  const value = text(input, path, issues);
  if (value === undefined) return undefined;
  const match = /^[A-Za-z0-9+/_-]*(={0,2})$/.exec(value);
  const bytes = Math.floor((value.replace(/=+$/, '').length * 3) / 4);
  return match !== null && bytes === UUID_BYTES
    ? value
    : issues.add(path, `is not the base64 of ${UUID_BYTES} bytes`);
};

const filters: Decoder<Filters> = closedMessage<Filters>({ refuse_seconds: optional(number) });
const roles = closedMessage<{ readonly roles?: readonly string[] }>({
  roles: optional(listOf(plainText)),
});
const resourceList = closedMessage<{
  readonly resources: OperationOf<'RESERVE'>['reserve']['resources'];
}>({
  resources: repeated(wireResource),
});

const OPERATIONS: Readonly<Record<string, Decoder<OfferOperation>>> = {
  LAUNCH: closedMessage<OperationOf<'LAUNCH'>>({
    type: required(tag('LAUNCH')),
    launch: required(
      closedMessage<OperationOf<'LAUNCH'>['launch']>({ task_infos: repeated(taskInfo) }),
    ),
  }),
  LAUNCH_GROUP: closedMessage<OperationOf<'LAUNCH_GROUP'>>({
    type: required(tag('LAUNCH_GROUP')),
    launch_group: required(
      closedMessage<OperationOf<'LAUNCH_GROUP'>['launch_group']>({
        executor: required(anything),
        task_group: required(
          closedMessage<OperationOf<'LAUNCH_GROUP'>['launch_group']['task_group']>({
            tasks: repeated(taskInfo),
          }),
        ),
      }),
    ),
  }),
  RESERVE: closedMessage<OperationOf<'RESERVE'>>({
    type: required(tag('RESERVE')),
    reserve: required(resourceList),
  }),
  UNRESERVE: closedMessage<OperationOf<'UNRESERVE'>>({
    type: required(tag('UNRESERVE')),
    unreserve: required(resourceList),
  }),
};

/** Operations we do not know are refused: to skip one silently would launch on resources the caller thinks converted. */
const operation: Decoder<OfferOperation> = (input, path, issues) => {
  const type = isRecord(input) ? input['type'] : undefined;
  const decode =
    typeof type === 'string' && Object.hasOwn(OPERATIONS, type) ? OPERATIONS[type] : undefined;
  return decode === undefined
    ? issues.add(`${path}.type`, `is ${String(type)}, not a supported operation`)
    : decode(input, path, issues);
};

const subscribe: Decoder<CallOf<'SUBSCRIBE'>> = (input, path, issues) => {
  const call = closedMessage<CallOf<'SUBSCRIBE'>>({
    type: required(tag('SUBSCRIBE')),
    framework_id: optional(registeredId),
    subscribe: required(
      closedMessage<CallOf<'SUBSCRIBE'>['subscribe']>({
        framework_info: required(frameworkInfo),
        suppressed_roles: optional(listOf(plainText)),
      }),
    ),
  })(input, path, issues);
  if (call === undefined) return undefined;
  const inner = call.subscribe.framework_info.id?.value;
  if (inner !== call.framework_id?.value) {
    const outer = call.framework_id?.value ?? 'absent';
    return issues.add(
      'framework_id',
      `is ${outer} but subscribe.framework_info.id is ${inner ?? 'absent'}`,
    );
  }
  return call;
};

const SCHEDULER_CALLS: Readonly<Record<SchedulerCall['type'], Decoder<SchedulerCall>>> = {
  SUBSCRIBE: subscribe,
  TEARDOWN: closedMessage<CallOf<'TEARDOWN'>>({
    type: required(tag('TEARDOWN')),
    framework_id: required(registeredId),
  }),
  ACCEPT: closedMessage<CallOf<'ACCEPT'>>({
    type: required(tag('ACCEPT')),
    framework_id: required(registeredId),
    accept: required(
      closedMessage<CallOf<'ACCEPT'>['accept']>({
        offer_ids: repeated(idValue),
        operations: optional(listOf(operation)),
        filters: optional(filters),
      }),
    ),
  }),
  DECLINE: closedMessage<CallOf<'DECLINE'>>({
    type: required(tag('DECLINE')),
    framework_id: required(registeredId),
    decline: required(
      closedMessage<CallOf<'DECLINE'>['decline']>({
        offer_ids: repeated(idValue),
        filters: optional(filters),
      }),
    ),
  }),
  REVIVE: closedMessage<CallOf<'REVIVE'>>({
    type: required(tag('REVIVE')),
    framework_id: required(registeredId),
    revive: optional(roles),
  }),
  SUPPRESS: closedMessage<CallOf<'SUPPRESS'>>({
    type: required(tag('SUPPRESS')),
    framework_id: required(registeredId),
    suppress: optional(roles),
  }),
  KILL: closedMessage<CallOf<'KILL'>>({
    type: required(tag('KILL')),
    framework_id: required(registeredId),
    kill: required(
      closedMessage<CallOf<'KILL'>['kill']>({
        task_id: required(idValue),
        agent_id: optional(idValue),
        kill_policy: optional(killPolicy),
      }),
    ),
  }),
  ACKNOWLEDGE: closedMessage<CallOf<'ACKNOWLEDGE'>>({
    type: required(tag('ACKNOWLEDGE')),
    framework_id: required(registeredId),
    acknowledge: required(
      closedMessage<CallOf<'ACKNOWLEDGE'>['acknowledge']>({
        agent_id: required(idValue),
        task_id: required(idValue),
        uuid: required(uuidOfBase64),
      }),
    ),
  }),
  RECONCILE: closedMessage<CallOf<'RECONCILE'>>({
    type: required(tag('RECONCILE')),
    framework_id: required(registeredId),
    reconcile: required(
      closedMessage<CallOf<'RECONCILE'>['reconcile']>({
        // mesos-framework sends null for an empty list; implicit reconciliation is an empty or absent one.
        tasks: repeated(
          closedMessage<CallOf<'RECONCILE'>['reconcile']['tasks'][number]>({
            task_id: required(idValue),
            agent_id: optional(idValue),
          }),
        ),
      }),
    ),
  }),
};
