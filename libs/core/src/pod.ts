import type { App, FetchUri } from './app.js';

/**
 * What makes an app a pod: several containers that are launched together, as one task group, on one agent. The app's own
 * `cpus`, `mem`, `disk` and `gpus` are what an instance takes in all, `executorResources` included; its `env` is every
 * container's; its `healthChecks` are those of the containers, in order.
 */
export interface Pod {
  readonly containers: readonly PodContainer[];
  readonly volumes: readonly PodVolume[];
  /** As declared; instances beyond are refused. */
  readonly maxInstances?: number;
}

export interface ContainerResources {
  readonly cpus: number;
  readonly mem: number;
  readonly disk: number;
  readonly gpus: number;
}

export interface PodContainer {
  readonly name: string;
  /** Absent: what the image starts with. */
  readonly exec?: { readonly command: PodCommand; readonly overrideEntrypoint?: boolean };
  readonly resources: ContainerResources;
  readonly resourceLimits?: NonNullable<App['resourceLimits']>;
  readonly endpoints: readonly PodEndpoint[];
  /** Absent: a process in the file system of the agent. */
  readonly image?: PodImage;
  /** Goes before the pod's own. */
  readonly environment: App['env'];
  readonly user?: string;
  readonly healthCheck?: PodHealthCheck;
  readonly volumeMounts: readonly VolumeMount[];
  readonly artifacts: readonly FetchUri[];
  readonly labels: Readonly<Record<string, string>>;
  readonly lifecycle?: { readonly killGracePeriodSeconds: number };
}

/** A text for a shell, or a program with its arguments. */
export type PodCommand = { readonly shell: string } | { readonly argv: readonly string[] };

export interface PodImage {
  readonly kind: 'DOCKER';
  readonly id: string;
  readonly forcePull: boolean;
  readonly pullConfig?: { readonly secret: string };
  readonly labels: Readonly<Record<string, string>>;
}

/** A port of a container. `hostPort` 0: any; absent: not mapped (networks of the pod's own only). */
export interface PodEndpoint {
  readonly name: string;
  /** 0: the same as the host port. Absent with host networking. */
  readonly containerPort?: number;
  readonly hostPort?: number;
  readonly protocol: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly networkNames: readonly string[];
}

/** Exactly one of `http`, `tcp` and `exec`; endpoints are of the same pod. */
export interface PodHealthCheck {
  readonly http?: {
    readonly endpoint: string;
    readonly path: string;
    readonly scheme: 'HTTP' | 'HTTPS';
  };
  readonly tcp?: { readonly endpoint: string };
  readonly exec?: { readonly command: PodCommand };
  readonly gracePeriodSeconds: number;
  readonly intervalSeconds: number;
  readonly maxConsecutiveFailures: number;
  readonly timeoutSeconds: number;
  readonly delaySeconds: number;
}

/** `host`: a path of the agent. `secret`: kept as declared. Neither: a directory that lives as long as the instance. */
export interface PodVolume {
  readonly name: string;
  readonly host?: string;
  readonly secret?: string;
}

export interface VolumeMount {
  readonly name: string;
  readonly mountPath: string;
  readonly readOnly: boolean;
}

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
