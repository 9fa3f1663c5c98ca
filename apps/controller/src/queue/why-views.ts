import { type App, isPod } from '#core';
import {
  toIsoTime,
  toWireApp,
  type WireOfferValue,
  type WireSeenAgent,
  type WireSeenOffer,
  type WireSuggestion,
  type WireUnusedOffer,
  type WireWaitingGroup,
  type WireWhy,
} from '#marathon-v2';
import {
  type AppChange,
  changeApp,
  describeChange,
  type SeenOffer,
  type Suggestion,
  summariseLacks,
} from '#matcher';
import { toWireResources, type WireAttribute } from '#mesos-v1';
import type { AppExplanation, UnusedOffer, WaitingGroup } from '../engine/app-explanation.port.js';

/** Agents named on which an instance would fit. */
const MAX_FITTING = 5;

/** Why an app is not as declared, as JSON. */
export function toWireWhy(explanation: AppExplanation): WireWhy {
  const { appId, wanted, byCondition, waitingFor, groups, deployment } = explanation;
  const running = wanted === 0 ? 'no instance is wanted' : describeRunning(wanted);
  const settled = [running, ...(explanation.notWaitedFor ?? [])].join('; ');
  return {
    appId,
    summary: waitingFor[0] ?? `nothing: ${settled}`,
    instances: { wanted, byCondition: Object.fromEntries(byCondition) },
    waitingFor,
    waiting: groups.map(toWireGroup),
    deployments:
      deployment === undefined
        ? []
        : [
            {
              id: deployment.id,
              currentStep: Math.min(deployment.currentStep + 1, deployment.steps.length),
              totalSteps: deployment.steps.length,
            },
          ],
  };
}

const describeRunning = (wanted: number): string =>
  wanted === 1 ? 'its instance runs' : `all ${wanted} instances run`;

function toWireGroup(group: WaitingGroup): WireWaitingGroup {
  const { app, explanation, failure, newestOfferEpochMs, oldestOfferEpochMs } = group;
  const { agents, reasons, fitting, nearest, suggestions } = explanation;
  return {
    count: group.count,
    version: app.version,
    role: app.role,
    since: toIsoTime(group.sinceEpochMs),
    delay: {
      timeLeftSeconds: Math.ceil(group.delayLeftMs / 1000),
      overdue: group.delayLeftMs <= 0,
    },
    ...(failure === undefined ? {} : { delayReason: `${failure.state}: ${failure.message}` }),
    offers: {
      held: 0,
      agents,
      omitted: group.omittedAgents,
      ...(newestOfferEpochMs === undefined ? {} : { newestAt: toIsoTime(newestOfferEpochMs) }),
      ...(oldestOfferEpochMs === undefined ? {} : { oldestAt: toIsoTime(oldestOfferEpochMs) }),
    },
    reasons,
    fitting: { agents: fitting.length, newest: fitting.slice(0, MAX_FITTING).map(toWireAgent) },
    ...(nearest === undefined
      ? {}
      : {
          nearestFit: {
            ...toWireAgent(nearest),
            summary: summariseLacks(nearest),
            lacks: nearest.refusals.map(({ reason, detail }) => ({ reason, detail })),
          },
        }),
    suggestions: suggestions.map((suggestion) => toWireSuggestion(app, suggestion)),
  };
}

const toWireAgent = ({ offer, seenEpochMs }: SeenOffer): WireSeenAgent => ({
  agentId: offer.agentId,
  hostname: offer.hostname,
  offeredAt: toIsoTime(seenEpochMs),
});

function toWireSuggestion(app: App, { changes, at, places }: Suggestion): WireSuggestion {
  const patch = patchOf(app, changes);
  return {
    change: changes.map(describeChange).join(' and '),
    ...(patch === undefined ? {} : { patch }),
    places,
    ...(at === undefined ? {} : { agentId: at.agentId, hostname: at.hostname }),
  };
}

/** The fields of the app that the changes are about, as they become; undefined where they are not an app's to change. */
function patchOf(
  app: App,
  changes: readonly AppChange[],
): Readonly<Record<string, unknown>> | undefined {
  if (isPod(app) || changes.some(({ kind }) => kind === 'port-freed')) return undefined;
  const changed: Readonly<Record<string, unknown>> = toWireApp(changeApp(app, changes));
  // A list that is empty by now is left out of a definition; in a patch that would leave it as it is.
  return Object.fromEntries(changes.map(fieldOf).map((field) => [field, changed[field] ?? []]));
}

function fieldOf(change: AppChange): string {
  switch (change.kind) {
    case 'resource':
      return change.name;
    case 'constraint-dropped':
    case 'constraint-relaxed':
      return 'constraints';
    case 'accepted-roles':
      return 'acceptedResourceRoles';
    case 'ports-not-required':
      return 'requirePorts';
    case 'any-host-port':
      return 'container';
    case 'role':
    case 'instances':
      return change.kind;
    case 'port-freed':
      return '';
    default:
      return change satisfies never;
  }
}

/** An offer an app did not use, in Marathon's shape. */
export const toWireUnusedOffer = ({
  offer,
  attributes,
  reasons,
  seenEpochMs,
}: UnusedOffer): WireUnusedOffer => ({
  offer: {
    id: offer.id,
    hostname: offer.hostname,
    agentId: offer.agentId,
    resources: offer.pools.flatMap(toWirePool),
    attributes: attributes.map((attribute) => ({
      name: attribute.name,
      ...unwrapValue(attribute),
    })),
  },
  reason: reasons,
  timestamp: toIsoTime(seenEpochMs),
});

const toWirePool = ({
  role,
  resources,
}: UnusedOffer['offer']['pools'][number]): WireSeenOffer['resources'] =>
  toWireResources(resources).map((resource) => ({
    name: resource.name,
    role,
    ...unwrapValue(resource),
  }));

/** The value in the field of its type, as Marathon unwraps what Mesos nests. */
function unwrapValue({
  text,
  scalar,
  ranges,
  set,
}: Partial<Pick<WireAttribute, 'text' | 'scalar' | 'ranges' | 'set'>>): Omit<
  WireOfferValue,
  'name'
> {
  return {
    ...(text === undefined ? {} : { text: text.value }),
    ...(scalar === undefined ? {} : { scalar: scalar.value }),
    ...(ranges === undefined ? {} : { ranges: ranges.range }),
    ...(set === undefined ? {} : { set: set.item }),
  };
}
