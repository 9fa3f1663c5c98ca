import type { SubscribeCall } from '#cluster';

/**
 * A framework that names no principal is that of whoever subscribes it, so that nobody else can take it over. One that
 * names another is refused by the engine.
 */
export function actAs(principal: string | undefined, call: SubscribeCall): SubscribeCall {
  const { subscribe } = call;
  const info = subscribe.framework_info;
  if (principal === undefined || info.principal !== undefined) return call;
  return { ...call, subscribe: { ...subscribe, framework_info: { ...info, principal } } };
}
