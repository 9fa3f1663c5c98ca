import { CALL_LIMITS, TEXT_LIMITS } from './call-limits.js';
import {
  base64,
  closedMessage,
  type Decoder,
  double,
  listOf,
  mapOf,
  oneOf,
  optional,
  repeated,
  required,
  textUpTo,
  uuidOfBase64,
} from './decode.js';
import { type Parsed, parseTagged, tag } from './decode-tagged.js';
import { killPolicy } from './decode-tasks.js';
import {
  emptyMessage,
  frameworkInfo,
  idValue,
  registeredId,
  roleList,
  wireResource,
} from './decode-values.js';
import { offerOperation } from './parse-offer-operation.js';
import type { Filters, SchedulerCall } from './scheduler.js';
import type { AttributeConstraint, OfferConstraints } from './values.js';

/** Reads the body of `POST /api/v1/scheduler`, with the structural rules of the call (not those of the cluster). */
export function parseSchedulerCall(input: unknown): Parsed<SchedulerCall> {
  return parseTagged(input, SCHEDULER_CALLS, { isBounded: true });
}

type CallOf<Type extends SchedulerCall['type']> = Extract<SchedulerCall, { readonly type: Type }>;
const filters: Decoder<Filters> = closedMessage<Filters>({ refuse_seconds: optional(double) });
const roles = closedMessage<{ readonly roles?: readonly string[] }>({
  roles: optional(roleList),
});
const subscribe: Decoder<CallOf<'SUBSCRIBE'>> = (input, path, issues) => {
  const call = closedMessage<CallOf<'SUBSCRIBE'>>({
    type: required(tag('SUBSCRIBE')),
    framework_id: optional(registeredId),
    subscribe: required(
      closedMessage<CallOf<'SUBSCRIBE'>['subscribe']>({
        framework_info: required(frameworkInfo),
        suppressed_roles: optional(roleList),
        offer_constraints: optional(offerConstraints),
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

type RoleConstraints = NonNullable<OfferConstraints['role_constraints']>[string];
type ConstraintGroup = NonNullable<RoleConstraints['groups']>[number];

const shortText = textUpTo(TEXT_LIMITS.label);
const textValue = closedMessage<{ readonly value: string }>({ value: required(shortText) });
const regexValue = closedMessage<{ readonly regex: string }>({ regex: required(shortText) });
const attributeConstraint: Decoder<AttributeConstraint> = closedMessage<AttributeConstraint>({
  selector: required(
    closedMessage<AttributeConstraint['selector']>({
      attribute_name: optional(textUpTo(TEXT_LIMITS.name)),
      pseudoattribute_type: optional(oneOf('HOSTNAME', 'REGION', 'ZONE')),
    }),
  ),
  predicate: required(
    closedMessage<AttributeConstraint['predicate']>({
      exists: optional(emptyMessage),
      not_exists: optional(emptyMessage),
      text_equals: optional(textValue),
      text_not_equals: optional(textValue),
      text_matches: optional(regexValue),
      text_not_matches: optional(regexValue),
    }),
  ),
});

const offerConstraints: Decoder<OfferConstraints> = closedMessage<OfferConstraints>({
  role_constraints: optional(
    mapOf(
      closedMessage<RoleConstraints>({
        groups: optional(
          listOf(
            closedMessage<ConstraintGroup>({
              attribute_constraints: optional(listOf(attributeConstraint)),
            }),
          ),
        ),
      }),
    ),
  ),
});

const updateFramework: Decoder<CallOf<'UPDATE_FRAMEWORK'>> = (input, path, issues) => {
  const call = closedMessage<CallOf<'UPDATE_FRAMEWORK'>>({
    type: required(tag('UPDATE_FRAMEWORK')),
    framework_id: required(registeredId),
    update_framework: required(
      closedMessage<CallOf<'UPDATE_FRAMEWORK'>['update_framework']>({
        framework_info: required(frameworkInfo),
        suppressed_roles: optional(roleList),
        offer_constraints: optional(offerConstraints),
      }),
    ),
  })(input, path, issues);
  if (call === undefined) return undefined;
  const inner = call.update_framework.framework_info.id?.value;
  if (inner === call.framework_id.value) return call;
  return issues.add(
    'framework_id',
    `is ${call.framework_id.value} but update_framework.framework_info.id is ${inner ?? 'absent'}`,
  );
};

const inverseOffers = {
  inverse_offer_ids: repeated(idValue, CALL_LIMITS.declinedOffers),
  filters: optional(filters),
} as const;

const SCHEDULER_CALLS: Readonly<Record<SchedulerCall['type'], Decoder<SchedulerCall>>> = {
  SUBSCRIBE: subscribe,
  UPDATE_FRAMEWORK: updateFramework,
  TEARDOWN: closedMessage<CallOf<'TEARDOWN'>>({
    type: required(tag('TEARDOWN')),
    framework_id: required(registeredId),
  }),
  ACCEPT: closedMessage<CallOf<'ACCEPT'>>({
    type: required(tag('ACCEPT')),
    framework_id: required(registeredId),
    accept: required(
      closedMessage<CallOf<'ACCEPT'>['accept']>({
        offer_ids: repeated(idValue, CALL_LIMITS.acceptedOffers),
        operations: optional(listOf(offerOperation, CALL_LIMITS.operations)),
        filters: optional(filters),
      }),
    ),
  }),
  DECLINE: closedMessage<CallOf<'DECLINE'>>({
    type: required(tag('DECLINE')),
    framework_id: required(registeredId),
    decline: required(
      closedMessage<CallOf<'DECLINE'>['decline']>({
        offer_ids: repeated(idValue, CALL_LIMITS.declinedOffers),
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
          CALL_LIMITS.reconciledTasks,
        ),
      }),
    ),
  }),
  ACCEPT_INVERSE_OFFERS: closedMessage<CallOf<'ACCEPT_INVERSE_OFFERS'>>({
    type: required(tag('ACCEPT_INVERSE_OFFERS')),
    framework_id: required(registeredId),
    accept_inverse_offers: required(
      closedMessage<CallOf<'ACCEPT_INVERSE_OFFERS'>['accept_inverse_offers']>(inverseOffers),
    ),
  }),
  DECLINE_INVERSE_OFFERS: closedMessage<CallOf<'DECLINE_INVERSE_OFFERS'>>({
    type: required(tag('DECLINE_INVERSE_OFFERS')),
    framework_id: required(registeredId),
    decline_inverse_offers: required(
      closedMessage<CallOf<'DECLINE_INVERSE_OFFERS'>['decline_inverse_offers']>(inverseOffers),
    ),
  }),
  SHUTDOWN: closedMessage<CallOf<'SHUTDOWN'>>({
    type: required(tag('SHUTDOWN')),
    framework_id: required(registeredId),
    shutdown: required(
      closedMessage<CallOf<'SHUTDOWN'>['shutdown']>({
        executor_id: required(idValue),
        agent_id: required(idValue),
      }),
    ),
  }),
  MESSAGE: closedMessage<CallOf<'MESSAGE'>>({
    type: required(tag('MESSAGE')),
    framework_id: required(registeredId),
    message: required(
      closedMessage<CallOf<'MESSAGE'>['message']>({
        agent_id: required(idValue),
        executor_id: required(idValue),
        data: required(base64),
      }),
    ),
  }),
  REQUEST: closedMessage<CallOf<'REQUEST'>>({
    type: required(tag('REQUEST')),
    framework_id: required(registeredId),
    request: required(
      closedMessage<CallOf<'REQUEST'>['request']>({
        requests: repeated(
          closedMessage<CallOf<'REQUEST'>['request']['requests'][number]>({
            agent_id: optional(idValue),
            resources: repeated(wireResource, CALL_LIMITS.resources),
          }),
          CALL_LIMITS.requests,
        ),
      }),
    ),
  }),
  ACKNOWLEDGE_OPERATION_STATUS: closedMessage<CallOf<'ACKNOWLEDGE_OPERATION_STATUS'>>({
    type: required(tag('ACKNOWLEDGE_OPERATION_STATUS')),
    framework_id: required(registeredId),
    acknowledge_operation_status: required(
      closedMessage<CallOf<'ACKNOWLEDGE_OPERATION_STATUS'>['acknowledge_operation_status']>({
        agent_id: optional(idValue),
        resource_provider_id: optional(idValue),
        uuid: required(uuidOfBase64),
        operation_id: required(idValue),
      }),
    ),
  }),
  RECONCILE_OPERATIONS: closedMessage<CallOf<'RECONCILE_OPERATIONS'>>({
    type: required(tag('RECONCILE_OPERATIONS')),
    framework_id: required(registeredId),
    reconcile_operations: required(
      closedMessage<CallOf<'RECONCILE_OPERATIONS'>['reconcile_operations']>({
        operations: repeated(
          closedMessage<
            CallOf<'RECONCILE_OPERATIONS'>['reconcile_operations']['operations'][number]
          >({
            operation_id: required(idValue),
            agent_id: optional(idValue),
            resource_provider_id: optional(idValue),
          }),
          CALL_LIMITS.reconciledOperations,
        ),
      }),
    ),
  }),
};
