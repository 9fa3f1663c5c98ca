import type { App, AppId, Instance } from '#core';
import type { EngineMemory } from './engine-memory.js';

interface Known {
  readonly memory: EngineMemory;
}
interface Apps {
  readonly apps: ReadonlyMap<AppId, App>;
}

/** The definition an instance runs; undefined when it is not kept any more. */
export function definitionOf(
  context: Known,
  root: Apps,
  instance: Pick<Instance, 'appId' | 'appVersion'>,
): App | undefined {
  const current = root.apps.get(instance.appId);
  if (current?.version === instance.appVersion) return current;
  return context.memory.definition(instance.appId, instance.appVersion);
}

/** Names the configuration of an instance; its own version when the definition is unknown. */
export const configVersionOf = (context: Known, root: Apps, instance: Instance): string =>
  definitionOf(context, root, instance)?.versionInfo.lastConfigChangeAt ?? instance.appVersion;
