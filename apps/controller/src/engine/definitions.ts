import type { App, AppId, Instance } from '#core';
import type { EngineMemory } from './engine-memory.js';

interface Known {
  readonly memory: EngineMemory;
}
interface Apps {
  readonly apps: ReadonlyMap<AppId, App>;
}
type Launched = Pick<Instance, 'appId' | 'appVersion'>;

/**
 * The definition an instance is treated by: the newest of the configuration it runs, so that what is changed in place
 * holds for it at once. Undefined when what it was launched from is not kept any more.
 */
export function definitionOf(context: Known, root: Apps, instance: Launched): App | undefined {
  const launched = launchedDefinitionOf(context, root, instance);
  if (launched === undefined) return undefined;
  const configVersion = launched.versionInfo.lastConfigChangeAt;
  const current = root.apps.get(instance.appId);
  if (current?.versionInfo.lastConfigChangeAt === configVersion) return current;
  return context.memory.newestOf(instance.appId, configVersion) ?? launched;
}

/** The definition its task was made from: what rides on the task stays as it is there. */
export function launchedDefinitionOf(
  context: Known,
  root: Apps,
  instance: Launched,
): App | undefined {
  const current = root.apps.get(instance.appId);
  if (current?.version === instance.appVersion) return current;
  return context.memory.definition(instance.appId, instance.appVersion);
}

/** Names the configuration of an instance; its own version when the definition is unknown. */
export const configVersionOf = (context: Known, root: Apps, instance: Instance): string =>
  launchedDefinitionOf(context, root, instance)?.versionInfo.lastConfigChangeAt ??
  instance.appVersion;
