import type { FrameworkInfo, SchedulerCall } from '#mesos-v1';

/**
 * A framework that names no principal is that of whoever subscribes it, so that nobody else can take it over. One that
 * names another is refused by the engine.
 */
export function actAs(principal: string | undefined, call: SchedulerCall): SchedulerCall {
  if (principal === undefined) return call;
  const owned = (info: FrameworkInfo): FrameworkInfo => ({
    ...info,
    principal: info.principal ?? principal,
  });
  if (call.type === 'SUBSCRIBE') {
    const { subscribe } = call;
    return {
      ...call,
      subscribe: { ...subscribe, framework_info: owned(subscribe.framework_info) },
    };
  }
  if (call.type === 'UPDATE_FRAMEWORK') {
    const { update_framework: update } = call;
    return {
      ...call,
      update_framework: { ...update, framework_info: owned(update.framework_info) },
    };
  }
  return call;
}
