import { CALL_LIMITS } from './call-limits.js';
import {
  amount,
  closedMessage,
  type Decoder,
  isRecord,
  nameOf,
  optional,
  repeated,
  required,
} from './decode.js';
import { tag } from './decode-tagged.js';
import { executorInfo, taskInfo } from './decode-tasks.js';
import { idValue, wireResource } from './decode-values.js';
import type { OfferOperation } from './scheduler.js';

type OperationOf<Type extends OfferOperation['type']> = Extract<
  OfferOperation,
  { readonly type: Type }
>;

const resourceList = closedMessage<{
  readonly resources: OperationOf<'RESERVE'>['reserve']['resources'];
}>({
  resources: repeated(wireResource, CALL_LIMITS.resources),
});

const volumeList = closedMessage<{
  readonly volumes: OperationOf<'CREATE'>['create']['volumes'];
}>({
  volumes: repeated(wireResource, CALL_LIMITS.resources),
});

const OPERATIONS: Readonly<Record<string, Decoder<OfferOperation>>> = {
  LAUNCH: closedMessage<OperationOf<'LAUNCH'>>({
    id: optional(idValue),
    type: required(tag('LAUNCH')),
    launch: required(
      closedMessage<OperationOf<'LAUNCH'>['launch']>({
        task_infos: repeated(taskInfo, CALL_LIMITS.tasks),
      }),
    ),
  }),
  LAUNCH_GROUP: closedMessage<OperationOf<'LAUNCH_GROUP'>>({
    id: optional(idValue),
    type: required(tag('LAUNCH_GROUP')),
    launch_group: required(
      closedMessage<OperationOf<'LAUNCH_GROUP'>['launch_group']>({
        executor: required(executorInfo),
        task_group: required(
          closedMessage<OperationOf<'LAUNCH_GROUP'>['launch_group']['task_group']>({
            tasks: repeated(taskInfo, CALL_LIMITS.groupTasks),
          }),
        ),
      }),
    ),
  }),
  RESERVE: closedMessage<OperationOf<'RESERVE'>>({
    id: optional(idValue),
    type: required(tag('RESERVE')),
    reserve: required(resourceList),
  }),
  UNRESERVE: closedMessage<OperationOf<'UNRESERVE'>>({
    id: optional(idValue),
    type: required(tag('UNRESERVE')),
    unreserve: required(resourceList),
  }),
  CREATE: closedMessage<OperationOf<'CREATE'>>({
    id: optional(idValue),
    type: required(tag('CREATE')),
    create: required(volumeList),
  }),
  DESTROY: closedMessage<OperationOf<'DESTROY'>>({
    id: optional(idValue),
    type: required(tag('DESTROY')),
    destroy: required(volumeList),
  }),
  GROW_VOLUME: closedMessage<OperationOf<'GROW_VOLUME'>>({
    id: optional(idValue),
    type: required(tag('GROW_VOLUME')),
    grow_volume: required(
      closedMessage<OperationOf<'GROW_VOLUME'>['grow_volume']>({
        volume: required(wireResource),
        addition: required(wireResource),
      }),
    ),
  }),
  SHRINK_VOLUME: closedMessage<OperationOf<'SHRINK_VOLUME'>>({
    id: optional(idValue),
    type: required(tag('SHRINK_VOLUME')),
    shrink_volume: required(
      closedMessage<OperationOf<'SHRINK_VOLUME'>['shrink_volume']>({
        volume: required(wireResource),
        subtract: required(closedMessage<{ readonly value: number }>({ value: required(amount) })),
      }),
    ),
  }),
};

/** Operations we do not know are refused: to skip one silently would launch on resources the caller thinks converted. */
export const offerOperation: Decoder<OfferOperation> = (input, path, issues) => {
  const type = isRecord(input) ? input['type'] : undefined;
  const decode =
    typeof type === 'string' && Object.hasOwn(OPERATIONS, type) ? OPERATIONS[type] : undefined;
  return decode === undefined
    ? issues.add(issues.pathOf(path, 'type'), `is ${nameOf(type)}, not a supported operation`)
    : decode(input, path, issues);
};
