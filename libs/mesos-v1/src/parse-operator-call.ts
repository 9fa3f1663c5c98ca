import { CALL_LIMITS, TEXT_LIMITS } from './call-limits.js';
import {
  amount,
  boolean,
  closedMessage,
  type Decoder,
  type FieldDecoders,
  isRecord,
  listOf,
  mapOf,
  nameOf,
  number,
  optional,
  plainName,
  repeated,
  required,
  textUpTo,
  wholeNumber,
} from './decode.js';
import { type Parsed, parseTagged, tag } from './decode-tagged.js';
import { duration } from './decode-tasks.js';
import { pathText, registeredId, wireResource } from './decode-values.js';
import { isIpAddress } from './ip-address.js';
import type {
  OperatorMutation,
  OperatorProcessCall,
  WireMachineId,
  WireMaintenanceSchedule,
  WireQuantities,
  WireQuotaConfig,
  WireQuotaRequest,
  WireWeightInfo,
} from './operator.js';
import type { Unavailability } from './values.js';

type Call = OperatorMutation | OperatorProcessCall;
type CallOf<Type extends Call['type']> = Extract<Call, { readonly type: Type }>;

/**
 * Reads an operator call that changes something or has parameters; reads without parameters are known by their `type`
 * alone. What the values mean (a known agent, a top-level role) is judged where they are used.
 */
export function parseOperatorCall(input: unknown): Parsed<Call> {
  return parseTagged(input, OPERATOR_CALLS, { isBounded: true });
}

const quantities: Decoder<WireQuantities> = mapOf(
  closedMessage<{ readonly value: number }>({ value: required(amount) }),
);

/** A role is part of the key of a row. */
const rolePath: Decoder<string> = textUpTo(TEXT_LIMITS.role, plainName);

const quotaConfig: Decoder<WireQuotaConfig> = closedMessage<WireQuotaConfig>({
  role: required(rolePath),
  guarantees: optional(quantities),
  limits: optional(quantities),
});

const quotaRequest: Decoder<WireQuotaRequest> = closedMessage<WireQuotaRequest>({
  role: required(rolePath),
  guarantee: repeated(wireResource, CALL_LIMITS.resources),
  force: optional(boolean),
});

const weightInfo: Decoder<WireWeightInfo> = closedMessage<WireWeightInfo>({
  role: required(rolePath),
  weight: required(number),
});

const ipAddress: Decoder<string> = (input, path, issues) => {
  const value = textUpTo(TEXT_LIMITS.hostname, plainName)(input, path, issues);
  return value === undefined || isIpAddress(value)
    ? value
    : issues.add(path, `is ${nameOf(value)}, which is no IP address`);
};

const machineFields = closedMessage<WireMachineId>({
  hostname: optional(textUpTo(TEXT_LIMITS.hostname, plainName)),
  ip: optional(ipAddress),
});

const machineId: Decoder<WireMachineId> = (input, path, issues) => {
  const machine = machineFields(input, path, issues);
  // One whose ip is wrong has been told so.
  const isNamed = !isRecord(input) || (input['hostname'] ?? input['ip'] ?? null) !== null;
  return isNamed ? machine : issues.add(path, 'has neither a hostname nor an ip');
};

/** Nanoseconds since 1970. */
const unavailability: Decoder<Unavailability> = closedMessage<Unavailability>({
  start: required(duration),
  duration: optional(duration),
});

const schedule: Decoder<WireMaintenanceSchedule> = closedMessage<WireMaintenanceSchedule>({
  windows: repeated(
    closedMessage<WireMaintenanceSchedule['windows'][number]>({
      machine_ids: repeated(machineId, CALL_LIMITS.machines),
      unavailability: required(unavailability),
    }),
    CALL_LIMITS.windows,
  ),
});

/** Messages of one call only. */
const message = <Message>(fields: FieldDecoders<Message>) => required(closedMessage(fields));
const ofAgent = { agent_id: required(registeredId) } as const;
const machines = { machines: repeated(machineId, CALL_LIMITS.machines) } as const;

const AGENT_CALLS = {
  DRAIN_AGENT: closedMessage<CallOf<'DRAIN_AGENT'>>({
    type: required(tag('DRAIN_AGENT')),
    drain_agent: message<CallOf<'DRAIN_AGENT'>['drain_agent']>({
      ...ofAgent,
      max_grace_period: optional(duration),
      mark_gone: optional(boolean),
    }),
  }),
  DEACTIVATE_AGENT: closedMessage<CallOf<'DEACTIVATE_AGENT'>>({
    type: required(tag('DEACTIVATE_AGENT')),
    deactivate_agent: message<CallOf<'DEACTIVATE_AGENT'>['deactivate_agent']>(ofAgent),
  }),
  REACTIVATE_AGENT: closedMessage<CallOf<'REACTIVATE_AGENT'>>({
    type: required(tag('REACTIVATE_AGENT')),
    reactivate_agent: message<CallOf<'REACTIVATE_AGENT'>['reactivate_agent']>(ofAgent),
  }),
  MARK_AGENT_GONE: closedMessage<CallOf<'MARK_AGENT_GONE'>>({
    type: required(tag('MARK_AGENT_GONE')),
    mark_agent_gone: message<CallOf<'MARK_AGENT_GONE'>['mark_agent_gone']>(ofAgent),
  }),
};

const RESOURCE_CALLS = {
  RESERVE_RESOURCES: closedMessage<CallOf<'RESERVE_RESOURCES'>>({
    type: required(tag('RESERVE_RESOURCES')),
    reserve_resources: message<CallOf<'RESERVE_RESOURCES'>['reserve_resources']>({
      ...ofAgent,
      resources: repeated(wireResource, CALL_LIMITS.resources),
      source: optional(listOf(wireResource, CALL_LIMITS.resources)),
    }),
  }),
  UNRESERVE_RESOURCES: closedMessage<CallOf<'UNRESERVE_RESOURCES'>>({
    type: required(tag('UNRESERVE_RESOURCES')),
    unreserve_resources: message<CallOf<'UNRESERVE_RESOURCES'>['unreserve_resources']>({
      ...ofAgent,
      resources: repeated(wireResource, CALL_LIMITS.resources),
    }),
  }),
  CREATE_VOLUMES: closedMessage<CallOf<'CREATE_VOLUMES'>>({
    type: required(tag('CREATE_VOLUMES')),
    create_volumes: message<CallOf<'CREATE_VOLUMES'>['create_volumes']>({
      ...ofAgent,
      volumes: repeated(wireResource, CALL_LIMITS.resources),
    }),
  }),
  DESTROY_VOLUMES: closedMessage<CallOf<'DESTROY_VOLUMES'>>({
    type: required(tag('DESTROY_VOLUMES')),
    destroy_volumes: message<CallOf<'DESTROY_VOLUMES'>['destroy_volumes']>({
      ...ofAgent,
      volumes: repeated(wireResource, CALL_LIMITS.resources),
    }),
  }),
  GROW_VOLUME: closedMessage<CallOf<'GROW_VOLUME'>>({
    type: required(tag('GROW_VOLUME')),
    grow_volume: message<CallOf<'GROW_VOLUME'>['grow_volume']>({
      ...ofAgent,
      volume: required(wireResource),
      addition: required(wireResource),
    }),
  }),
  SHRINK_VOLUME: closedMessage<CallOf<'SHRINK_VOLUME'>>({
    type: required(tag('SHRINK_VOLUME')),
    shrink_volume: message<CallOf<'SHRINK_VOLUME'>['shrink_volume']>({
      ...ofAgent,
      volume: required(wireResource),
      subtract: message<{ readonly value: number }>({ value: required(amount) }),
    }),
  }),
};

const ROLE_CALLS = {
  UPDATE_WEIGHTS: closedMessage<CallOf<'UPDATE_WEIGHTS'>>({
    type: required(tag('UPDATE_WEIGHTS')),
    update_weights: message<CallOf<'UPDATE_WEIGHTS'>['update_weights']>({
      weight_infos: repeated(weightInfo),
    }),
  }),
  UPDATE_QUOTA: closedMessage<CallOf<'UPDATE_QUOTA'>>({
    type: required(tag('UPDATE_QUOTA')),
    update_quota: message<CallOf<'UPDATE_QUOTA'>['update_quota']>({
      force: optional(boolean),
      quota_configs: repeated(quotaConfig),
    }),
  }),
  SET_QUOTA: closedMessage<CallOf<'SET_QUOTA'>>({
    type: required(tag('SET_QUOTA')),
    set_quota: message<CallOf<'SET_QUOTA'>['set_quota']>({
      quota_request: required(quotaRequest),
    }),
  }),
  REMOVE_QUOTA: closedMessage<CallOf<'REMOVE_QUOTA'>>({
    type: required(tag('REMOVE_QUOTA')),
    remove_quota: message<CallOf<'REMOVE_QUOTA'>['remove_quota']>({ role: required(rolePath) }),
  }),
};

const MAINTENANCE_CALLS = {
  UPDATE_MAINTENANCE_SCHEDULE: closedMessage<CallOf<'UPDATE_MAINTENANCE_SCHEDULE'>>({
    type: required(tag('UPDATE_MAINTENANCE_SCHEDULE')),
    update_maintenance_schedule: message<
      CallOf<'UPDATE_MAINTENANCE_SCHEDULE'>['update_maintenance_schedule']
    >({ schedule: required(schedule) }),
  }),
  START_MAINTENANCE: closedMessage<CallOf<'START_MAINTENANCE'>>({
    type: required(tag('START_MAINTENANCE')),
    start_maintenance: message<CallOf<'START_MAINTENANCE'>['start_maintenance']>(machines),
  }),
  STOP_MAINTENANCE: closedMessage<CallOf<'STOP_MAINTENANCE'>>({
    type: required(tag('STOP_MAINTENANCE')),
    stop_maintenance: message<CallOf<'STOP_MAINTENANCE'>['stop_maintenance']>(machines),
  }),
};

const PROCESS_CALLS = {
  SET_LOGGING_LEVEL: closedMessage<CallOf<'SET_LOGGING_LEVEL'>>({
    type: required(tag('SET_LOGGING_LEVEL')),
    set_logging_level: message<CallOf<'SET_LOGGING_LEVEL'>['set_logging_level']>({
      level: required(wholeNumber),
      duration: required(duration),
    }),
  }),
  LIST_FILES: closedMessage<CallOf<'LIST_FILES'>>({
    type: required(tag('LIST_FILES')),
    list_files: message<CallOf<'LIST_FILES'>['list_files']>({ path: required(pathText) }),
  }),
  READ_FILE: closedMessage<CallOf<'READ_FILE'>>({
    type: required(tag('READ_FILE')),
    read_file: message<CallOf<'READ_FILE'>['read_file']>({
      path: required(pathText),
      offset: required(wholeNumber),
      length: optional(wholeNumber),
    }),
  }),
};

const OPERATOR_CALLS: Readonly<Record<Call['type'], Decoder<Call>>> = {
  ...AGENT_CALLS,
  ...RESOURCE_CALLS,
  ...ROLE_CALLS,
  ...MAINTENANCE_CALLS,
  ...PROCESS_CALLS,
  TEARDOWN: closedMessage<CallOf<'TEARDOWN'>>({
    type: required(tag('TEARDOWN')),
    teardown: message<CallOf<'TEARDOWN'>['teardown']>({ framework_id: required(registeredId) }),
  }),
};
