import type { WireChangePreview } from '#marathon-v2';
import { formatTable } from './text-table.js';

type AppPreview = WireChangePreview['apps'][number];

/** What a dry run answered, for reading: the steps, a row for each app, then whatever stands in the way. */
export function formatPreview(preview: WireChangePreview): string {
  const steps = preview.steps.map(
    ({ actions }, index) =>
      `step ${index + 1}: ${actions.map(({ action, app }) => `${action} ${app}`).join(', ')}`,
  );
  const apps = formatTable(
    ['APP', 'CHANGE', 'FIELDS', 'INSTANCES', 'KILLED', 'KEPT', 'LAUNCHED', 'ON'],
    preview.apps.map((app) => [
      app.app,
      app.change,
      app.fields.join(' '),
      `${app.instances.before} -> ${app.instances.after}`,
      app.kills.count,
      app.keeps.count,
      app.launches.count,
      placesOf(app),
    ]),
  );
  return [
    ...(steps.length === 0 ? ['no steps'] : steps),
    ...(preview.apps.length === 0 ? [] : [apps]),
    ...preview.apps.flatMap(hintsOf),
    ...preview.conflicts.map(
      ({ id }) => `locked by deployment ${id}: needs --force, which stops it`,
    ),
    ...(preview.refusal === undefined ? [] : [`would be refused: ${preview.refusal}`]),
    ...preview.warnings.map((warning) => `warning: ${warning}`),
    'nothing was changed',
  ].join('\n');
}

const placesOf = ({ launches }: AppPreview): string =>
  (launches.placements ?? [])
    .map(({ host, count }) => (count === 1 ? host : `${host} (${count})`))
    .join(' ');

function hintsOf({ app, kills, launches }: AppPreview): readonly string[] {
  const killed = kills.instances.map((id) => `${app}: kills ${id}`);
  const { unplaced = 0, reasons = [] } = launches;
  if (unplaced === 0) return killed;
  return [
    ...killed,
    `${app}: ${unplaced} of ${launches.count} find no place: ${reasons.join('; ')}`,
  ];
}
