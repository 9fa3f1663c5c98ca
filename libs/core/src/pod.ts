import type { App, Pod, PodEndpoint } from './app.js';

/** An app that is a pod. */
export type PodApp = App & { readonly pod: Pod };

export const isPod = (app: App): app is PodApp => app.pod !== undefined;

/** All endpoints in order: an instance has one entry in `hostPorts` for each. */
export const endpointsOf = (
  pod: Pick<Pod, 'containers'>,
): readonly { readonly container: string; readonly endpoint: PodEndpoint }[] =>
  pod.containers.flatMap(({ name: container, endpoints }) =>
    endpoints.map((endpoint) => ({ container, endpoint })),
  );

/** Where a container's check stands in the app's `healthChecks`; undefined: it has none. O(containers). */
export function checkIndexOf(pod: Pod, container: string): number | undefined {
  const checked = pod.containers.filter(({ healthCheck }) => healthCheck !== undefined);
  const index = checked.findIndex(({ name }) => name === container);
  return index < 0 ? undefined : index;
}

/** The images an instance needs, of an app or of a pod. */
export const imagesOf = (app: App): readonly string[] =>
  app.pod === undefined
    ? [app.container?.docker?.image].filter((image) => image !== undefined)
    : app.pod.containers.flatMap(({ image }) => image?.id ?? []);
