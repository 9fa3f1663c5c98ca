import type { WireDeployment, WireDeploymentDetails } from '#marathon-v2';
import { formatTable } from './text-table.js';

/** Deployments under way, one a line. */
export const formatDeployments = (deployments: readonly WireDeployment[]): string =>
  formatTable(
    ['DEPLOYMENT', 'STEP', 'APPS', 'WAITING FOR'],
    deployments.map((one) => [
      one.id,
      `${one.currentStep}/${one.totalSteps}`,
      affectedOf(one),
      (one.waitingFor ?? []).join('; '),
    ]),
  );

/** Deployments that have ended, one a line. */
export const formatEnded = (deployments: readonly WireDeployment[]): string =>
  formatTable(
    ['DEPLOYMENT', 'STATE', 'APPS', 'BY', 'STARTED', 'ENDED', 'REASON'],
    deployments.map((one) => [
      one.id,
      one.state,
      affectedOf(one),
      one.by ?? '',
      one.startedAt,
      one.finishedAt ?? '',
      one.reason ?? '',
    ]),
  );

/** One deployment: its state, its steps on the clock, what it waits for and what happened. */
export function formatDeployment(deployment: WireDeploymentDetails): string {
  const { events, omittedEvents, waitingFor } = deployment;
  return [
    formatTable(['DEPLOYMENT', deployment.id], headOf(deployment)),
    section('STEPS', stepsOf(deployment)),
    section(
      'WAITING FOR',
      waitingFor.map((reason) => `  ${reason}`),
    ),
    events.length === 0 ? '' : `\n${formatEvents(events)}`,
    omittedEvents === 0 ? '' : `${omittedEvents} later events are not kept`,
  ]
    .filter((text) => text !== '')
    .join('\n');
}

/** Apps and pods. */
const affectedOf = ({ affectedApps, affectedPods }: WireDeployment): string =>
  [...affectedApps, ...affectedPods].join(' ');

function headOf(deployment: WireDeploymentDetails): readonly (readonly [string, string])[] {
  const { limits } = deployment;
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['state', deployment.paused === undefined ? deployment.state : `${deployment.state}, paused`],
    ['reason', deployment.reason],
    ['by', deployment.by],
    ['apps', affectedOf(deployment)],
    ['started', deployment.startedAt],
    ['ended', deployment.finishedAt],
    ['deadline', deployment.deadline],
    ['failures', countFailures(deployment)],
    [
      'when it fails',
      limits === undefined ? undefined : limits.autoRollback ? 'rolled back' : 'left as it is',
    ],
    ['rollback of', deployment.rollbackOf],
    ['rolled back by', deployment.rolledBackBy],
  ];
  return rows.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
}

function countFailures({ failures = 0, limits }: WireDeployment): string | undefined {
  if (limits?.maxFailures !== undefined) return `${failures}, at most ${limits.maxFailures}`;
  return failures === 0 ? undefined : String(failures);
}

const stepsOf = ({ steps, phases = [] }: WireDeployment): readonly string[] =>
  steps.map(({ actions }, index) => {
    const phase = phases.find(({ step }) => step === index + 1);
    const times = phase === undefined ? '' : ` ${phase.startedAt} - ${phase.finishedAt ?? ''}`;
    return `  ${index + 1}. ${actions.map(({ action, app }) => `${action} ${app}`).join(', ')}${times}`;
  });

const section = (title: string, lines: readonly string[]): string =>
  lines.length === 0 ? '' : `\n${[title, ...lines].join('\n')}`;

const formatEvents = (events: WireDeploymentDetails['events']): string =>
  formatTable(
    ['TIME', 'EVENT', 'WHAT', 'HOST', 'BY', 'MESSAGE'],
    events.map((one) => [
      one.timestamp,
      one.kind,
      one.instance ?? one.app ?? '',
      one.host ?? '',
      one.by ?? '',
      one.message ?? '',
    ]),
  );
