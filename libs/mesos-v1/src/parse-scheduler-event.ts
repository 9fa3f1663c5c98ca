import {
  anything,
  closedMessage,
  type Decoder,
  number,
  openMessage,
  optional,
  repeated,
  required,
  text,
} from './decode.js';
import {
  faultDomain,
  idValue,
  taskStatus,
  wireAttribute,
  wireResource,
  wireUrl,
} from './decode-values.js';
import { type Parsed, parseTagged, tag } from './parse-scheduler-call.js';
import type { SchedulerEvent } from './scheduler.js';
import type { MasterInfo, WireOffer } from './values.js';

/** Reads one record of a scheduler's stream. `unknown-type` (inverse offers, operations) may be skipped. */
export function parseSchedulerEvent(input: unknown): Parsed<SchedulerEvent> {
  return parseTagged(input, EVENTS);
}

type EventOf<Type extends SchedulerEvent['type']> = Extract<
  SchedulerEvent,
  { readonly type: Type }
>;

const offer: Decoder<WireOffer> = openMessage<WireOffer>({
  id: required(idValue),
  framework_id: required(idValue),
  agent_id: required(idValue),
  hostname: required(text),
  url: optional(wireUrl),
  resources: repeated(wireResource),
  attributes: repeated(wireAttribute),
  executor_ids: optional(anythingAsIds),
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
