import type { WireSuggestion, WireWaitingGroup, WireWhy } from '#marathon-v2';
import { formatTable } from './text-table.js';

/** Why an app waits, as text: what for, then for each group of waiting instances the offers and what would help. */
export function formatWhy(why: WireWhy): string {
  const { wanted, byCondition } = why.instances;
  const conditions = Object.entries(byCondition).map(([condition, n]) => `${n} ${condition}`);
  const head = [
    `${why.appId}: ${wanted} wanted${conditions.length === 0 ? '' : `, ${conditions.join(', ')}`}`,
    ...why.deployments.map(
      ({ id, currentStep, totalSteps }) => `deployment ${id}, step ${currentStep} of ${totalSteps}`,
    ),
  ];
  const reasons = why.waitingFor.length === 0 ? [why.summary] : why.waitingFor;
  const lines = [...head, '', 'WAITS FOR', ...reasons.map((reason) => `  ${reason}`)];
  return [...lines, ...why.waiting.flatMap(formatGroup)].join('\n');
}

function formatGroup(group: WireWaitingGroup): readonly string[] {
  const { offers, fitting, nearestFit, suggestions } = group;
  const refusing = group.reasons.filter(({ agents }) => agents > 0);
  const seen = offers.newestAt === undefined ? '' : `, last offered at ${offers.newestAt}`;
  const more = offers.omitted === 0 ? '' : `, ${offers.omitted} more were not looked at`;
  return [
    '',
    `OFFERS of ${offers.agents} agents${seen}${more}`,
    ...indent(
      refusing.length === 0
        ? []
        : formatTable(
            ['REASON', 'AGENTS', 'ALONE', 'EXAMPLE'],
            refusing.map((one) => [one.reason, one.agents, one.alone, one.example ?? '']),
          ).split('\n'),
    ),
    ...(fitting.agents === 0
      ? []
      : indent([`fits on ${fitting.agents}: ${fitting.newest.map(named).join(', ')}`])),
    ...(nearestFit === undefined ? [] : ['', 'NEAREST', `  ${nearestFit.summary}`]),
    ...(suggestions.length === 0
      ? []
      : ['', 'ANY OF THESE WOULD HELP', ...suggestions.map((one) => describe(one, group.count))]),
  ];
}

const indent = (lines: readonly string[]): readonly string[] => lines.map((line) => `  ${line}`);

const named = ({ hostname, offeredAt }: { hostname: string; offeredAt: string }): string =>
  `${hostname} (offered at ${offeredAt})`;

function describe({ change, places, hostname }: WireSuggestion, count: number): string {
  return hostname === undefined
    ? `  ${change}: ${places} of ${count} no longer wait`
    : `  ${change}: places ${places} of ${count}, the first on ${hostname}`;
}
