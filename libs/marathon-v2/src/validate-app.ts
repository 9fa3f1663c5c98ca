import { type App, type Constraint, compilePattern, isResident } from '#core';
import { type Definition, isSingleInstance } from './complete-app.js';
import { MAX_INT } from './object-reader.js';
import { ProblemLog } from './refusal.js';
import { validateRollout } from './rollout-fields.js';
import { checkRange, checkUnique, type Report } from './rule-report.js';
import { validateChecks } from './validate-checks.js';
import { validateContainer } from './validate-container.js';
import { validateExecutor } from './validate-executor.js';
import { validateLabels } from './validate-labels.js';
import { validateNetworks } from './validate-networks.js';
import { validateWorkload } from './workload.js';

/** Bounds of ours, so that no request can ask for what no cluster has. */
export const MAX_INSTANCES = 100_000;
export const MAX_CPUS = 1_000_000;
export const MAX_MIB = 1_000_000_000_000;

export type Feature = 'gpu_resources' | 'secrets' | 'external_volumes';

/** What the rules depend on besides the definition. */
export interface RuleContext {
  readonly features: ReadonlySet<string>;
  /** Roles an app at this place may have. */
  readonly allowedRoles: readonly string[];
}

/** Checks a complete definition against every rule that needs no other app. */
export function validateApp(
  app: Definition,
  context: RuleContext,
  at: { readonly path: string; readonly problems: ProblemLog },
): void {
  const report: Report = (field, error) =>
    at.problems.reportRule(field === '/' ? at.path : `${at.path}${field}`, error);
  validateCommand(app, report);
  validateRunSpec(app, context, report);
  validateFetch(app.fetch, '/fetch', report);
  if (app.container !== undefined) validateContainer(app.container, app.networks, report);
  validateChecks(app, report);
}

/** The rules that apps and pods share. */
export function validateRunSpec(app: Definition, context: RuleContext, report: Report): void {
  validateAmounts(app, report);
  validateTimes(app, report);
  validateNames(app, report);
  validateLabels(app.labels, report);
  validateRoles(app, context, report);
  validateConstraints(app.constraints, report);
  validateStrategies(app, report);
  validateRollout(app, report);
  validateWorkload(app, report);
  validateFeatures(app, context, report);
  validateNetworks(app, report);
}

function validateCommand(app: Definition, report: Report): void {
  const hasImage = app.container?.docker !== undefined;
  if (app.cmd !== undefined && app.args.length > 0) {
    report('/', 'must have either cmd or args, not both');
  }
  if (app.cmd === undefined && app.args.length === 0 && !hasImage) {
    report('/', 'must have cmd or args, or a container with an image');
  }
  validateExecutor(app, report);
}

function validateAmounts(app: Definition, report: Report): void {
  checkRange(app.instances, { from: 0, to: MAX_INSTANCES }, '/instances', report);
  checkRange(app.cpus, { from: 0, to: MAX_CPUS }, '/cpus', report);
  checkRange(app.mem, { from: 0, to: MAX_MIB }, '/mem', report);
  checkRange(app.disk, { from: 0, to: MAX_MIB }, '/disk', report);
  checkRange(app.gpus, { from: 0, to: MAX_CPUS }, '/gpus', report);
  for (const name of ['cpus', 'mem'] as const) {
    const limit = app.resourceLimits?.[name];
    if (typeof limit === 'number' && limit < app[name]) {
      report(`/resourceLimits/${name}`, `${limit} is below the request of ${app[name]}`);
    }
    if (typeof limit === 'number') {
      checkRange(limit, { from: 0, to: MAX_MIB }, `/resourceLimits/${name}`, report);
    }
  }
  const own = app.executorResources;
  checkRange(own?.cpus, { from: 0.1, to: MAX_CPUS }, '/executorResources/cpus', report);
  checkRange(own?.mem, { from: 32, to: MAX_MIB }, '/executorResources/mem', report);
  checkRange(own?.disk, { from: 10, to: MAX_MIB }, '/executorResources/disk', report);
}

function validateTimes(app: Definition, report: Report): void {
  const whole = { from: 0, to: MAX_INT };
  checkRange(app.backoffSeconds, whole, '/backoffSeconds', report);
  checkRange(app.backoffFactor, { from: 1, to: MAX_INT }, '/backoffFactor', report);
  checkRange(app.maxLaunchDelaySeconds, whole, '/maxLaunchDelaySeconds', report);
  checkRange(app.taskKillGracePeriodSeconds, whole, '/taskKillGracePeriodSeconds', report);
  const escalation = 'relaunchEscalationTimeoutSeconds';
  checkRange(app.residency?.[escalation], whole, `/residency/${escalation}`, report);
}

function validateNames(app: Definition, report: Report): void {
  for (const field of ['env', 'labels', 'secrets'] as const) {
    for (const name of Object.keys(app[field])) {
      if (name === '') report(`/${field}`, 'has an entry with an empty name');
    }
  }
  for (const name of Object.keys(app.env)) {
    if (name.includes('=')) report(`/env/${name}`, 'the name must not hold "="');
  }
}

/** What Mesos refuses in a role name. */
const isRoleName = (role: string): boolean =>
  role !== '' &&
  role !== '.' &&
  role !== '..' &&
  !role.startsWith('-') &&
  !/[ \t\n\v\f\r/\x7f]/.test(role);

function validateRoles(app: Definition, context: RuleContext, report: Report): void {
  if (!isRoleName(app.role)) report('/role', `'${app.role}' is not a valid role name`);
  else if (isResident(app) && app.role === '*') {
    const others = context.allowedRoles.join(' or ');
    report(
      '/role',
      `'*' cannot be the role of an app with persistent volumes, as nothing can be reserved for it: use ${others}`,
    );
  } else if (!context.allowedRoles.includes(app.role)) {
    report('/role', `'${app.role}' is not allowed here: use ${context.allowedRoles.join(' or ')}`);
  }
  const accepted = app.acceptedResourceRoles;
  checkUnique(accepted, '/acceptedResourceRoles', report, 'role');
  accepted.forEach((role, index) => {
    const path = `/acceptedResourceRoles(${index})`;
    if (!isRoleName(role)) report(path, `'${role}' is not a valid role name`);
    else if (role !== '*' && role !== app.role) {
      report(path, `'${role}' is neither * nor the app's role '${app.role}'`);
    }
  });
  if (isResident(app) && accepted.length > 0 && !(accepted.length === 1 && accepted[0] === '*')) {
    report('/acceptedResourceRoles', 'must be exactly ["*"] for an app with persistent volumes');
  }
}

const OPERATORS: Readonly<Record<string, (value: string | undefined) => string | undefined>> = {
  UNIQUE: (value) => (value === undefined ? undefined : 'UNIQUE takes no value'),
  CLUSTER: () => undefined,
  GROUP_BY: (value) =>
    value === undefined || /^\d{1,9}$/.test(value)
      ? undefined
      : `GROUP_BY takes a whole number, not '${value}'`,
  LIKE: (value) => objectToPattern('LIKE', value),
  UNLIKE: (value) => objectToPattern('UNLIKE', value),
  MAX_PER: (value) =>
    value !== undefined && /^\d{1,9}$/.test(value)
      ? undefined
      : `MAX_PER needs a whole number, not '${value ?? ''}'`,
  IS: (value) =>
    value !== undefined && /^[a-zA-Z0-9_/.-]*$/.test(value)
      ? undefined
      : `IS needs a value of letters, digits and _ / . -, not '${value ?? ''}'`,
};

function objectToPattern(operator: string, value: string | undefined): string | undefined {
  if (value === undefined) return `${operator} needs a regular expression`;
  const pattern = compilePattern(value);
  return pattern.ok
    ? undefined
    : `'${value}' is not a regular expression we match: it ${pattern.error}`;
}

function validateConstraints(constraints: readonly Constraint[], report: Report): void {
  checkUnique(
    constraints.map((constraint) => constraint.join(' ')),
    '/constraints',
    report,
    'constraint',
  );
  constraints.forEach(([field, operator, value], index) => {
    const path = `/constraints(${index})`;
    if (field === '') report(path, 'must name a field');
    if (!Object.hasOwn(OPERATORS, operator)) {
      report(path, `'${operator}' is not one of ${Object.keys(OPERATORS).join(', ')}`);
      return;
    }
    const objection = OPERATORS[operator]?.(value);
    if (objection !== undefined) report(path, objection);
  });
}

/** The longest URI that may be fetched. */
const MAX_URI_LENGTH = 1024;
/** Characters that must be escaped, escapes that are none, and a scheme without a name. */
const NOT_IN_URI = /[\s<>"{}|\\^`]|%(?![0-9a-f]{2})|^:/i;

/** What is fetched into a sandbox, listed at `field`. */
export function validateFetch(fetch: App['fetch'], field: string, report: Report): void {
  fetch.forEach(({ uri, destPath }, index) => {
    const path = `${field}(${index})/uri`;
    if (uri.length > MAX_URI_LENGTH) {
      report(path, `is ${uri.length} characters long, the limit is ${MAX_URI_LENGTH}`);
    } else if (uri === '' || NOT_IN_URI.test(uri)) {
      report(path, `'${uri}' is not a valid URI`);
    }
    if (destPath !== undefined && (destPath.startsWith('/') || /(^|\/)\.\.(\/|$)/.test(destPath))) {
      report(`${field}(${index})/destPath`, `'${destPath}' must stay inside the sandbox`);
    }
  });
}

function validateStrategies(app: Definition, report: Report): void {
  const { minimumHealthCapacity, maximumOverCapacity } = app.upgradeStrategy;
  const share = { from: 0, to: 1 };
  checkRange(minimumHealthCapacity, share, '/upgradeStrategy/minimumHealthCapacity', report);
  checkRange(maximumOverCapacity, share, '/upgradeStrategy/maximumOverCapacity', report);
  if (isSingleInstance(app.labels)) {
    if (app.instances > 1) {
      report('/instances', `${app.instances} is above 1, the limit of a single-instance app`);
    }
    if (minimumHealthCapacity !== 0 || maximumOverCapacity !== 0) {
      report('/upgradeStrategy', 'both capacities must be 0 for a single-instance app');
    }
  }
  validateUnreachable(app.unreachableStrategy, report);
  if (!isResident(app)) return;
  if (maximumOverCapacity !== 0) {
    report(
      '/upgradeStrategy/maximumOverCapacity',
      `${maximumOverCapacity} must be 0 for an app with persistent volumes`,
    );
  }
  if (app.unreachableStrategy !== 'disabled') {
    report('/unreachableStrategy', 'must be "disabled" for an app with persistent volumes');
  }
}

function validateUnreachable(strategy: App['unreachableStrategy'], report: Report): void {
  if (strategy === 'disabled') return;
  const { inactiveAfterSeconds, expungeAfterSeconds } = strategy;
  const whole = { from: 0, to: MAX_INT };
  checkRange(inactiveAfterSeconds, whole, '/unreachableStrategy/inactiveAfterSeconds', report);
  checkRange(expungeAfterSeconds, whole, '/unreachableStrategy/expungeAfterSeconds', report);
  if (inactiveAfterSeconds > expungeAfterSeconds) {
    report(
      '/unreachableStrategy',
      `inactiveAfterSeconds ${inactiveAfterSeconds} is above expungeAfterSeconds ${expungeAfterSeconds}`,
    );
  }
}

function validateFeatures(app: Definition, { features }: RuleContext, report: Report): void {
  const need = (feature: Feature, field: string): void => {
    if (!features.has(feature)) report(field, `feature ${feature} is not enabled`);
  };
  const needSecret = (secret: string | undefined, field: string): void => {
    if (secret === undefined) return;
    need('secrets', field);
    if (Object.hasOwn(app.secrets, secret)) return;
    report(field, `secret '${secret}' is not declared in secrets`);
  };
  if (app.gpus > 0) {
    need('gpu_resources', '/gpus');
    if (app.container?.type === 'DOCKER') report('/gpus', 'must be 0 for a DOCKER container');
  }
  if (Object.keys(app.secrets).length > 0) need('secrets', '/secrets');
  for (const [name, value] of Object.entries(app.env)) {
    if (typeof value === 'string') continue;
    needSecret(value.secret, `/env/${name}`);
  }
  app.container?.volumes.forEach((volume, index) => {
    const path = `/container/volumes(${index})`;
    if (volume.external !== undefined) need('external_volumes', `${path}/external`);
    needSecret(volume.secret, `${path}/secret`);
  });
  needSecret(app.container?.docker?.pullConfig?.secret, '/container/docker/pullConfig');
}

/** Whether what is reserved for an instance of one definition does for another. */
export function fitsReservation(reserved: Definition, app: Definition): boolean {
  const problems = new ProblemLog();
  validateResidentUpdate(reserved, app, { path: '', problems });
  return problems.refusal() === undefined;
}

/** What a new definition of a resident app may not change, as its data stays where it is. */
export function validateResidentUpdate(
  before: Definition,
  after: Definition,
  at: { readonly path: string; readonly problems: ProblemLog },
): void {
  if (!isResident(before)) return;
  for (const field of ['cpus', 'mem', 'disk', 'gpus', 'requirePorts'] as const) {
    if (before[field] !== after[field]) {
      at.problems.reportRule(
        `${at.path}/${field}`,
        `cannot change from ${before[field]} to ${after[field]}: the app has persistent volumes`,
      );
    }
  }
  const persistent = (app: Definition): string =>
    JSON.stringify(app.container?.volumes.filter((volume) => volume.persistent !== undefined));
  if (persistent(before) !== persistent(after)) {
    at.problems.reportRule(`${at.path}/container/volumes`, 'persistent volumes cannot change');
  }
  const hostPorts = (app: Definition): string =>
    JSON.stringify(app.container?.portMappings?.map((mapping) => mapping.hostPort ?? null));
  const ownPorts = ({ portDefinitions, requirePorts }: Definition): string =>
    JSON.stringify(portDefinitions.map(({ port }) => (requirePorts ? port : 0)));
  const cannotChange = 'host ports cannot change: the app has persistent volumes';
  if (hostPorts(before) !== hostPorts(after)) {
    at.problems.reportRule(`${at.path}/container/portMappings`, cannotChange);
  }
  if (ownPorts(before) !== ownPorts(after)) {
    at.problems.reportRule(`${at.path}/portDefinitions`, cannotChange);
  }
}
