import type { Constraint, PodApp, PodContainer } from '#core';
import { definedFields } from './object-reader.js';
import { ifAny, ifAnyKey, toWireNetwork } from './to-wire-app.js';

/** JSON of a pod. Its fields are Marathon's; clients that know more of them than this code read what is there. */
export type WirePod = Readonly<Record<string, unknown>> & {
  readonly id: string;
  readonly version: string;
};

/** A pod as JSON: what was declared, with every default. Empty lists and maps are left out where Marathon leaves them out. */
export function toWirePod(app: PodApp): WirePod {
  const { pod } = app;
  return {
    id: app.id,
    version: app.version,
    ...definedFields({
      labels: ifAnyKey(app.labels),
      user: app.user,
      environment: ifAnyKey(app.env),
      secrets: ifAnyKey(app.secrets),
    }),
    containers: pod.containers.map(toWireContainer),
    ...definedFields({ volumes: ifAny(pod.volumes) }),
    networks: app.networks.map(toWireNetwork),
    scaling: {
      kind: 'fixed',
      instances: app.instances,
      ...definedFields({ maxInstances: pod.maxInstances }),
    },
    scheduling: toWireScheduling(app),
    ...definedFields({ executorResources: app.executorResources }),
    role: app.role,
  };
}

const toWireScheduling = (app: PodApp) => ({
  backoff: {
    backoff: app.backoffSeconds,
    backoffFactor: app.backoffFactor,
    maxLaunchDelay: app.maxLaunchDelaySeconds,
  },
  upgrade: app.upgradeStrategy,
  placement: {
    constraints: app.constraints.map(toWireConstraint),
    acceptedResourceRoles: app.acceptedResourceRoles,
  },
  killSelection: app.killSelection,
  unreachableStrategy: app.unreachableStrategy,
});

const toWireConstraint = ([fieldName, operator, value]: Constraint) => ({
  fieldName,
  operator,
  ...definedFields({ value }),
});

function toWireContainer(container: PodContainer): Readonly<Record<string, unknown>> {
  const { endpoints, image, environment, volumeMounts, artifacts, labels, ...rest } = container;
  return {
    ...rest,
    ...definedFields({
      endpoints: ifAny(endpoints.map(toWireEndpoint)),
      image:
        image === undefined
          ? undefined
          : { ...image, ...definedFields({ labels: ifAnyKey(image.labels) }) },
      environment: ifAnyKey(environment),
      volumeMounts: ifAny(volumeMounts),
      artifacts: ifAny(artifacts),
      labels: ifAnyKey(labels),
    }),
  };
}

const toWireEndpoint = ({
  networkNames,
  labels,
  ...endpoint
}: PodContainer['endpoints'][number]) => ({
  ...endpoint,
  ...definedFields({ labels: ifAnyKey(labels), networkNames: ifAny(networkNames) }),
});
