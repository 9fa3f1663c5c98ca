import { fromMilli, scalarMilli } from '#core';
import { fromWireResources, type WireResource } from '#mesos-v1';

/** How many NVIDIA GPUs are asked for. */
export const gpusAskedFor = ({
  resources,
}: {
  readonly resources: readonly WireResource[];
}): number => fromMilli(scalarMilli(fromWireResources(resources), 'gpus'));

/** GPUs are handed out whole. */
export function findGpuDefect(task: {
  readonly resources: readonly WireResource[];
}): string | undefined {
  const count = gpusAskedFor(task);
  return Number.isInteger(count) ? undefined : `${count} gpus cannot be had, only whole ones`;
}

/** Those that no task has that has not ended. O(tasks), so it is asked only for a task that wants some. */
export function freeGpus({
  tasks,
  options,
}: {
  readonly tasks: ReadonlyMap<
    string,
    { readonly phase: { readonly kind: string }; readonly gpus?: readonly string[] }
  >;
  readonly options: { readonly gpus?: readonly string[] };
}): readonly string[] {
  const taken = new Set<string>();
  for (const { phase, gpus = [] } of tasks.values()) {
    if (phase.kind !== 'ended') for (const gpu of gpus) taken.add(gpu);
  }
  return (options.gpus ?? []).filter((gpu) => !taken.has(gpu));
}
