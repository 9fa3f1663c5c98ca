import {
  anything,
  closedMessage,
  type Decoder,
  listOf,
  number,
  openMessage,
  optional,
  repeated,
  required,
  text,
} from './decode.js';
import { type Parsed, parseTagged, tag } from './decode-tagged.js';
import { duration, taskStatus } from './decode-tasks.js';
import { faultDomain, idValue, wireAttribute, wireResource, wireUrl } from './decode-values.js';
import type { SchedulerEvent } from './scheduler.js';
import type {
  InverseOffer,
  MasterInfo,
  OperationStatus,
  Unavailability,
  WireOffer,
} from './values.js';

/** Reads one record of a scheduler's stream. `unknown-type` (inverse offers, operations) may be skipped. */
export function parseSchedulerEvent(input: unknown): Parsed<SchedulerEvent> {
  return parseTagged(input, EVENTS, { isBounded: false });
}

type EventOf<Type extends SchedulerEvent['type']> = Extract<
  SchedulerEvent,
  { readonly type: Type }
>;

const unavailability: Decoder<Unavailability> = closedMessage<Unavailability>({
  start: required(duration),
  duration: optional(duration),
});

const inverseOffer: Decoder<InverseOffer> = openMessage<InverseOffer>({
  id: required(idValue),
  framework_id: required(idValue),
  agent_id: required(idValue),
  url: optional(wireUrl),
  unavailability: required(unavailability),
});

const operationStatus: Decoder<OperationStatus> = openMessage<OperationStatus>({
  operation_id: optional(idValue),
  state: required(text),
  message: optional(text),
  converted_resources: optional(listOf(wireResource)),
  uuid: optional(text),
  agent_id: optional(idValue),
});

const offer: Decoder<WireOffer> = openMessage<WireOffer>({
  id: required(idValue),
  framework_id: required(idValue),
  agent_id: required(idValue),
  hostname: required(text),
  url: optional(wireUrl),
  resources: repeated(wireResource),
  attributes: repeated(wireAttribute),
  executor_ids: optional(anythingAsIds),
  unavailability: optional(unavailability),
  allocation_info: optional(closedMessage<{ readonly role: string }>({ role: required(text) })),
  domain: optional(faultDomain),
});

function anythingAsIds(
  ...[input, path, issues]: Parameters<Decoder<readonly { readonly value: string }[]>>
): readonly { readonly value: string }[] | undefined {
  return Array.isArray(input)
    ? input.flatMap((item) => idValue(item, path, issues) ?? [])
    : issues.add(path, 'is not a list');
}

/** Only what we read of it is checked; the address forms differ between master versions. */
const masterInfo: Decoder<MasterInfo> = (input, path, issues) =>
  // Display only: no decision is taken on it, so its fields are not verified.
  anything(input, path, issues) as MasterInfo | undefined;

const EVENTS: Readonly<Record<SchedulerEvent['type'], Decoder<SchedulerEvent>>> = {
  SUBSCRIBED: closedMessage<EventOf<'SUBSCRIBED'>>({
    type: required(tag('SUBSCRIBED')),
    subscribed: required(
      closedMessage<EventOf<'SUBSCRIBED'>['subscribed']>({
        framework_id: required(idValue),
        heartbeat_interval_seconds: optional(number),
        master_info: optional(masterInfo),
      }),
    ),
  }),
  OFFERS: closedMessage<EventOf<'OFFERS'>>({
    type: required(tag('OFFERS')),
    offers: required(closedMessage<EventOf<'OFFERS'>['offers']>({ offers: repeated(offer) })),
  }),
  RESCIND: closedMessage<EventOf<'RESCIND'>>({
    type: required(tag('RESCIND')),
    rescind: required(
      closedMessage<EventOf<'RESCIND'>['rescind']>({ offer_id: required(idValue) }),
    ),
  }),
  INVERSE_OFFERS: closedMessage<EventOf<'INVERSE_OFFERS'>>({
    type: required(tag('INVERSE_OFFERS')),
    inverse_offers: required(
      closedMessage<EventOf<'INVERSE_OFFERS'>['inverse_offers']>({
        inverse_offers: repeated(inverseOffer),
      }),
    ),
  }),
  RESCIND_INVERSE_OFFER: closedMessage<EventOf<'RESCIND_INVERSE_OFFER'>>({
    type: required(tag('RESCIND_INVERSE_OFFER')),
    rescind_inverse_offer: required(
      closedMessage<EventOf<'RESCIND_INVERSE_OFFER'>['rescind_inverse_offer']>({
        inverse_offer_id: required(idValue),
      }),
    ),
  }),
  UPDATE_OPERATION_STATUS: closedMessage<EventOf<'UPDATE_OPERATION_STATUS'>>({
    type: required(tag('UPDATE_OPERATION_STATUS')),
    update_operation_status: required(
      closedMessage<EventOf<'UPDATE_OPERATION_STATUS'>['update_operation_status']>({
        status: required(operationStatus),
      }),
    ),
  }),
  UPDATE: closedMessage<EventOf<'UPDATE'>>({
    type: required(tag('UPDATE')),
    update: required(closedMessage<EventOf<'UPDATE'>['update']>({ status: required(taskStatus) })),
  }),
  FAILURE: closedMessage<EventOf<'FAILURE'>>({
    type: required(tag('FAILURE')),
    failure: required(
      closedMessage<EventOf<'FAILURE'>['failure']>({
        agent_id: optional(idValue),
        executor_id: optional(idValue),
        status: optional(number),
      }),
    ),
  }),
  MESSAGE: closedMessage<EventOf<'MESSAGE'>>({
    type: required(tag('MESSAGE')),
    message: required(
      closedMessage<EventOf<'MESSAGE'>['message']>({
        agent_id: required(idValue),
        executor_id: required(idValue),
        data: required(text),
      }),
    ),
  }),
  ERROR: closedMessage<EventOf<'ERROR'>>({
    type: required(tag('ERROR')),
    error: required(closedMessage<EventOf<'ERROR'>['error']>({ message: required(text) })),
  }),
  HEARTBEAT: closedMessage<EventOf<'HEARTBEAT'>>({ type: required(tag('HEARTBEAT')) }),
};
