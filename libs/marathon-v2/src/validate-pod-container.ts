import { isHostNetworking, type PodContainer, toMilli } from '#core';
import type { PodDefinition } from './complete-pod.js';
import { validateLinuxInfo } from './linux-info.js';
import { MAX_INT } from './object-reader.js';
import { checkRange, checkUnique, type Report } from './rule-report.js';
import { MAX_CPUS, MAX_MIB, type RuleContext, validateFetch } from './validate-app.js';

interface Place {
  readonly definition: PodDefinition;
  readonly context: RuleContext;
  /** Of the container in the request. */
  readonly path: string;
}

/** The rules of one container of a pod, but those of its endpoints. */
export function validatePodContainer(container: PodContainer, place: Place, report: Report): void {
  const { path } = place;
  validateProgram(container, place, report);
  validateAmounts(container, path, report);
  validateEnvironment(container, place, report);
  validateHealthCheck(container, place, report);
  validateMounts(container, place, report);
  validateFetch(container.artifacts, `${path}/artifacts`, report);
  const { linuxInfo, image } = container;
  if (linuxInfo !== undefined) {
    const at = { path: `${path}/linuxInfo`, hasImage: image !== undefined, isOfPod: true };
    validateLinuxInfo(linuxInfo, at, report);
  }
  const grace = container.lifecycle?.killGracePeriodSeconds;
  const field = `${path}/lifecycle/killGracePeriodSeconds`;
  checkRange(grace, { from: 0, to: MAX_INT }, field, report);
  if (Object.hasOwn(container.labels, '')) {
    report(`${path}/labels`, 'has an entry with an empty name');
  }
}

function validateProgram(
  { exec, image }: PodContainer,
  { definition, context, path }: Place,
  report: Report,
): void {
  if (exec === undefined && image === undefined) {
    report(path, 'must have exec or an image');
  }
  if (exec?.overrideEntrypoint === false && 'shell' in exec.command) {
    report(`${path}/exec/overrideEntrypoint`, 'must not be false for a shell command');
  }
  if (image === undefined && !isHostNetworking(definition.networks)) {
    const mode = definition.networks[0]?.mode;
    report(`${path}/image`, `is needed with a network of mode ${mode}`);
  }
  if (image?.pullConfig !== undefined && !context.features.has('secrets')) {
    report(`${path}/image/pullConfig`, 'feature secrets is not enabled');
  }
}

function validateAmounts(
  { resources, resourceLimits }: PodContainer,
  path: string,
  report: Report,
): void {
  checkRange(resources.cpus, { from: 0, to: MAX_CPUS }, `${path}/resources/cpus`, report);
  checkRange(resources.mem, { from: 0, to: MAX_MIB }, `${path}/resources/mem`, report);
  checkRange(resources.disk, { from: 0, to: MAX_MIB }, `${path}/resources/disk`, report);
  checkRange(resources.gpus, { from: 0, to: MAX_CPUS }, `${path}/resources/gpus`, report);
  if (toMilli(resources.cpus) <= 0 && toMilli(resources.mem) <= 0) {
    report(`${path}/resources`, 'must ask for cpus or mem: a task that takes nothing is refused');
  }
  for (const name of ['cpus', 'mem'] as const) {
    const limit = resourceLimits?.[name];
    if (typeof limit !== 'number') continue;
    const field = `${path}/resourceLimits/${name}`;
    if (limit < resources[name]) {
      report(field, `${limit} is below the request of ${resources[name]}`);
    }
    checkRange(limit, { from: 0, to: MAX_MIB }, field, report);
  }
}

const VARIABLE = /^[a-zA-Z_][a-zA-Z0-9_]{0,253}$/;

/** Stricter than for apps, as in Marathon. */
export function validateVariableNames(
  environment: PodContainer['environment'],
  field: string,
  report: Report,
): void {
  for (const name of Object.keys(environment)) {
    if (VARIABLE.test(name)) continue;
    report(
      field,
      `'${name.slice(0, 254)}' must hold at most 254 letters, digits and _, no digit first`,
    );
  }
}

function validateEnvironment(
  { environment }: PodContainer,
  { definition, context, path }: Place,
  report: Report,
): void {
  validateVariableNames(environment, `${path}/environment`, report);
  for (const [name, value] of Object.entries(environment)) {
    const field = `${path}/environment/${name}`;
    if (typeof value === 'string') continue;
    if (!context.features.has('secrets')) report(field, 'feature secrets is not enabled');
    if (!Object.hasOwn(definition.secrets, value.secret)) {
      report(field, `secret '${value.secret}' is not declared in secrets`);
    }
  }
}

function validateHealthCheck(
  { healthCheck: check }: PodContainer,
  { definition, path: container }: Place,
  report: Report,
): void {
  if (check === undefined) return;
  const path = `${container}/healthCheck`;
  const kinds = (['http', 'tcp', 'exec'] as const).filter((kind) => check[kind] !== undefined);
  if (kinds.length !== 1) report(path, 'must have exactly one of http, tcp and exec');
  const names = definition.pod.containers.flatMap(({ endpoints }) =>
    endpoints.map(({ name }) => name),
  );
  for (const kind of ['http', 'tcp'] as const) {
    const endpoint = check[kind]?.endpoint;
    if (endpoint === undefined || names.includes(endpoint)) continue;
    report(`${path}/${kind}/endpoint`, `'${endpoint}' is not an endpoint of the pod`);
  }
  // Ends up in a request line: no spaces or line breaks may get there.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly these are refused
  if (check.http !== undefined && /[\s\x00-\x1f\x7f]/.test(check.http.path)) {
    report(`${path}/http/path`, 'must not hold spaces or control characters');
  }
  for (const name of ['gracePeriodSeconds', 'maxConsecutiveFailures', 'delaySeconds'] as const) {
    checkRange(check[name], { from: 0, to: MAX_INT }, `${path}/${name}`, report);
  }
  for (const name of ['intervalSeconds', 'timeoutSeconds'] as const) {
    checkRange(check[name], { from: 1, to: MAX_INT }, `${path}/${name}`, report);
  }
}

/** What an agent can give a container: mounts where it has an image, links in its sandbox where it is a process. */
function validateMounts(
  { volumeMounts, image }: PodContainer,
  { definition, path: container }: Place,
  report: Report,
): void {
  const volumes = new Map(definition.pod.volumes.map((volume) => [volume.name, volume]));
  volumeMounts.forEach(({ name, mountPath, readOnly }, index) => {
    const path = `${container}/volumeMounts(${index})`;
    const volume = volumes.get(name);
    if (volume === undefined) report(`${path}/name`, `'${name}' is not a volume of the pod`);
    if (!isPlainPath(mountPath)) {
      report(
        `${path}/mountPath`,
        `'${mountPath}' must be a path without .. and control characters`,
      );
    }
    if (image !== undefined) return;
    if (volume?.host !== undefined) report(path, 'needs an image, as the volume is of the host');
    if (readOnly) report(`${path}/readOnly`, 'needs an image');
    if (mountPath.startsWith('/')) {
      report(`${path}/mountPath`, `'${mountPath}' must be relative, as the container has no image`);
    }
  });
  checkUnique(
    volumeMounts.map(({ mountPath }) => mountPath),
    `${container}/volumeMounts`,
    report,
    'mountPath',
  );
}

const isPlainPath = (path: string): boolean => {
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  return names.length > 0 && !names.includes('..') && !/[\\\p{Cc}]/u.test(path);
};
