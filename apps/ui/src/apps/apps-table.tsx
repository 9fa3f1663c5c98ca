import { Tooltip } from '@mantine/core';
import { memo } from 'react';
import { Link } from 'react-router';
import { MayChange } from '../api/access.js';
import { AppRowMenu } from '../app-actions/app-row-menu.js';
import { ScalePopover } from '../app-actions/scale-popover.js';
import { formatCpus, formatMem, plural } from '../format/quantities.js';
import { Icon } from '../shell/icons.js';
import { SortHeader } from '../shell/sort-header.js';
import type { AppRow, GroupRow, ListRow, SortOrder } from './app-tree.js';
import { labelText, lastSegment } from './app-tree.js';
import { HealthBar } from './health-bar.js';
import { StatusBadge } from './status-badge.js';

interface AppsTableProps {
  readonly rows: readonly ListRow[];
  readonly order: SortOrder;
  readonly onSort: (column: SortOrder['column']) => void;
  /** The group shown: names are relative to it. Without one, names are whole ids. */
  readonly base: string | undefined;
}

export function AppsTable({ rows, order, onSort, base }: AppsTableProps) {
  const head = { order, onSort };
  return (
    <div className="pc-table-wrap">
      <table className="pc-table pc-table--cards pc-table--apps" aria-label="Applications">
        <thead>
          <tr>
            <SortHeader {...head} column="name" text="Name" />
            <SortHeader {...head} column="cpus" text="CPU" className="pc-num pc-wide" />
            <SortHeader {...head} column="mem" text="Memory" className="pc-num pc-wide" />
            <SortHeader {...head} column="status" text="Status" />
            <SortHeader {...head} column="instances" text="Instances" className="pc-num" />
            <SortHeader {...head} column="health" text="Health" />
            <th scope="col" className="pc-col-actions">
              <span className="pc-sr">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) =>
            row.kind === 'app' ? (
              <AppTableRow key={row.id} row={row} isRelative={base !== undefined} />
            ) : (
              <GroupTableRow key={`group ${row.id}`} row={row} />
            ),
          )}
        </tbody>
      </table>
    </div>
  );
}

const AppTableRow = memo(function AppTableRow(props: {
  readonly row: AppRow;
  readonly isRelative: boolean;
}) {
  const { row, isRelative } = props;
  const { counts } = row;
  return (
    <tr>
      <td className="pc-col-name pc-area-name">
        <span className="pc-name">
          <Icon name="app" />
          <Link to={`/apps${row.id}`} title={row.id}>
            {isRelative ? lastSegment(row.id) : row.id}
          </Link>
          <LabelChips labels={row.labels} />
        </span>
      </td>
      <td className="pc-num pc-wide">{formatCpus(row.cpus * counts.wanted)}</td>
      <td className="pc-num pc-wide">{formatMem(row.mem * counts.wanted)}</td>
      <td className="pc-col-status pc-area-status">
        <StatusCell row={row} />
      </td>
      <td className="pc-num pc-area-count">
        <ScalePopover
          appId={row.id}
          instances={counts.wanted}
          running={counts.healthy + counts.unhealthy + counts.unknown}
        />
      </td>
      <td className="pc-col-health pc-area-health">
        <HealthBar label={row.id} counts={counts} />
      </td>
      <td className="pc-col-actions pc-area-menu">
        <MayChange>
          <AppRowMenu appId={row.id} isSuspended={counts.wanted === 0} />
        </MayChange>
      </td>
    </tr>
  );
});

function StatusCell({ row }: { readonly row: AppRow }) {
  const reason = row.reasons[0];
  if (reason === undefined) {
    return <StatusBadge status={row.status} />;
  }
  return (
    <Tooltip label={row.reasons.join('; ')} multiline maw={360} withArrow>
      <span className="pc-status-why">
        <StatusBadge status={row.status} />
        <span className="pc-dim pc-cut">{reason}</span>
      </span>
    </Tooltip>
  );
}

function GroupTableRow({ row }: { readonly row: GroupRow }) {
  const running = row.counts.healthy + row.counts.unhealthy + row.counts.unknown;
  const troubles = [...row.statuses]
    .filter(([status]) => status !== 'Running' && status !== 'Suspended')
    .map(([status, count]) => `${count} ${status}`);
  if (row.counts.unhealthy > 0) {
    troubles.push(`${plural(row.counts.unhealthy, 'instance')} unhealthy`);
  }
  return (
    <tr>
      <td className="pc-col-name pc-area-name">
        <span className="pc-name">
          <Icon name="folder" />
          <Link to={`/group${row.id}`} title={row.id}>
            {lastSegment(row.id)}
          </Link>
          <span className="pc-dim">{plural(row.appCount, 'app')}</span>
        </span>
      </td>
      <td className="pc-num pc-wide">{formatCpus(row.cpus)}</td>
      <td className="pc-num pc-wide">{formatMem(row.mem)}</td>
      <td className="pc-col-status pc-area-status pc-dim">
        {troubles.length === 0 ? 'All settled' : troubles.join(', ')}
      </td>
      <td className="pc-num pc-area-count">
        <span className="pc-instances">
          {running} <span className="pc-dim">of {row.counts.wanted}</span>
        </span>
      </td>
      <td className="pc-col-health pc-area-health">
        <HealthBar label={row.id} counts={row.counts} />
      </td>
      <td className="pc-col-actions" />
    </tr>
  );
}

/** Chips shown in a row; the rest are counted. */
const MAX_CHIPS = 2;

function LabelChips({ labels }: { readonly labels: Readonly<Record<string, string>> }) {
  const texts = Object.entries(labels).map(([key, value]) => labelText(key, value));
  const rest = texts.length - MAX_CHIPS;
  return (
    <span className="pc-chips pc-wide" title={texts.join('\n')}>
      {texts.slice(0, MAX_CHIPS).map((text) => (
        <span key={text} className="pc-chip">
          {text}
        </span>
      ))}
      {rest > 0 && <span className="pc-chip pc-chip--count">+{rest}</span>}
    </span>
  );
}
