import type { PodDefinition } from './complete-pod.js';
import { MAX_INT } from './object-reader.js';
import type { ProblemLog } from './refusal.js';
import { checkRange, checkUnique, type Report } from './rule-report.js';
import { MAX_CPUS, MAX_MIB, type RuleContext, validateRunSpec } from './validate-app.js';
import { validatePodContainer, validateVariableNames } from './validate-pod-container.js';
import { validatePodEndpoints } from './validate-pod-endpoints.js';

/** No group of tasks anybody runs is near it. */
export const MAX_CONTAINERS = 100;
/** Of names of containers, endpoints and volumes. */
const MAX_NAME_LENGTH = 63;
const NAME = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;
/** Task ids are `<safe path>.instance-<uuid>.<container>.<n>` and at most 255 characters. */
const MAX_TASK_NAME_LENGTH = 255 - '.instance-'.length - 36 - '..1'.length;
/** Where agents keep the sandboxes of the containers, beside the volumes. */
const RESERVED_VOLUMES: readonly string[] = ['containers', 'tasks'];

const SUMS = ['cpus', 'mem', 'disk', 'gpus'] as const;

/** Where a pod has what an app has elsewhere. */
const POD_FIELDS: readonly (readonly [app: RegExp, pod: string])[] = [
  [/^\/instances$/, '/scaling/instances'],
  [/^\/(?:cpus|mem|disk|gpus)$/, '/containers'],
  [/^\/env(?=$|\/)/, '/environment'],
  [/^\/backoffSeconds$/, '/scheduling/backoff/backoff'],
  [/^\/backoffFactor$/, '/scheduling/backoff/backoffFactor'],
  [/^\/maxLaunchDelaySeconds$/, '/scheduling/backoff/maxLaunchDelay'],
  [/^\/upgradeStrategy/, '/scheduling/upgrade'],
  [/^\/(?=constraints|acceptedResourceRoles)/, '/scheduling/placement/'],
  [/^\/unreachableStrategy/, '/scheduling/unreachableStrategy'],
];

/** Checks a complete definition of a pod against every rule that needs no other app. */
export function validatePod(
  definition: PodDefinition,
  context: RuleContext,
  problems: ProblemLog,
): void {
  const report: Report = (field, error) => problems.reportRule(field === '/' ? '' : field, error);
  validateRunSpec(definition, context, (field, error) => {
    if (isToldOfPart(definition, field)) return;
    const moved = POD_FIELDS.find(([app]) => app.test(field));
    report(moved === undefined ? field : field.replace(moved[0], moved[1]), error);
  });
  validateCounts(definition, report);
  validateVariableNames(definition.env, '/environment', report);
  validateNames(definition, report);
  validateVolumes(definition, context, report);
  if (definition.networks.length > 1) {
    report('/networks', `a pod has one network, ${definition.networks.length} are given`);
  }
  definition.pod.containers.forEach((container, index) => {
    validatePodContainer(container, { definition, context, path: `/containers(${index})` }, report);
  });
  validatePodEndpoints(definition, report);
}

/** A sum is beyond the limits because a part of it is, which is objected to where it stands. */
function isToldOfPart({ pod, executorResources }: PodDefinition, field: string): boolean {
  const name = SUMS.find((sum) => field === `/${sum}`);
  if (name === undefined) return false;
  const own = name === 'gpus' ? 0 : (executorResources?.[name] ?? 0);
  const limit = name === 'mem' || name === 'disk' ? MAX_MIB : MAX_CPUS;
  return [own, ...pod.containers.map(({ resources }) => resources[name])].some(
    (part) => part < 0 || part > limit,
  );
}

function validateCounts({ pod, instances, ...definition }: PodDefinition, report: Report): void {
  const { containers, maxInstances } = pod;
  if (containers.length === 0) report('/containers', 'must not be empty');
  if (containers.length > MAX_CONTAINERS) {
    report('/containers', `are ${containers.length}, the limit is ${MAX_CONTAINERS}`);
  }
  checkRange(maxInstances, { from: 0, to: MAX_INT }, '/scaling/maxInstances', report);
  if (maxInstances !== undefined && instances > maxInstances) {
    report('/scaling/instances', `${instances} is above maxInstances ${maxInstances}`);
  }
  const room = MAX_TASK_NAME_LENGTH - (definition.id.length - 1);
  containers.forEach(({ name }, index) => {
    if (name.length <= room) return;
    report(
      `/containers(${index})/name`,
      `is ${name.length} characters long; with the pod's id of ${definition.id.length} the limit is ${room}`,
    );
  });
}

function validateNames({ pod }: PodDefinition, report: Report): void {
  const check = (name: string, path: string): void => {
    if (name.length > MAX_NAME_LENGTH || !NAME.test(name)) {
      report(
        path,
        `'${name.slice(0, MAX_NAME_LENGTH)}' must hold at most ${MAX_NAME_LENGTH} lowercase letters, digits and inner hyphens`,
      );
    }
  };
  pod.containers.forEach(({ name, endpoints }, index) => {
    check(name, `/containers(${index})/name`);
    endpoints.forEach((endpoint, at) => {
      check(endpoint.name, `/containers(${index})/endpoints(${at})/name`);
    });
  });
  pod.volumes.forEach(({ name }, index) => {
    check(name, `/volumes(${index})/name`);
  });
  const names = pod.containers.map(({ name }) => name);
  checkUnique(names, '/containers', report, 'name');
  checkUnique(
    pod.volumes.map(({ name }) => name),
    '/volumes',
    report,
    'name',
  );
}

function validateVolumes(
  { pod, secrets }: PodDefinition,
  { features }: RuleContext,
  report: Report,
): void {
  pod.volumes.forEach(({ name, host, secret }, index) => {
    const path = `/volumes(${index})`;
    if (host !== undefined && secret !== undefined) {
      report(path, 'must have only one of host and secret');
    }
    if (host === undefined && secret === undefined && RESERVED_VOLUMES.includes(name)) {
      report(`${path}/name`, `'${name}' is where agents keep the sandboxes of the containers`);
    }
    if (secret === undefined) return;
    if (!features.has('secrets')) report(`${path}/secret`, 'feature secrets is not enabled');
    if (!Object.hasOwn(secrets, secret)) {
      report(`${path}/secret`, `secret '${secret}' is not declared in secrets`);
    }
  });
}
