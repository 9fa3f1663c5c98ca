import { ActionIcon, Menu, Tooltip } from '@mantine/core';
import { Link } from 'react-router';
import { MayChange } from '../api/access.js';
import type { App, Task } from '../api/api-types.js';
import { formatAge, formatDuration, formatTimestamp } from '../format/durations.js';
import { Icon } from '../shell/icons.js';
import { useNow } from '../shell/use-now.js';
import type { KillRequest } from './kill-dialog.js';
import {
  drainLeftMs,
  healthCauses,
  taskEndpoints,
  taskHealth,
  taskStateWords,
} from './task-view.js';

interface InstancesTableProps {
  readonly app: App;
  readonly tasks: readonly Task[];
  readonly chosen: ReadonlySet<string>;
  readonly onChoose: (chosen: ReadonlySet<string>) => void;
  readonly onKill: (request: KillRequest) => void;
}

export function InstancesTable({ app, tasks, chosen, onChoose, onKill }: InstancesTableProps) {
  const nowMs = useNow();
  const areAllChosen = tasks.every((task) => chosen.has(task.id));
  const toggle = (id: string) => {
    const next = new Set(chosen);
    if (!next.delete(id)) {
      next.add(id);
    }
    onChoose(next);
  };
  return (
    <div className="pc-table-wrap">
      <table className="pc-table pc-table--cards pc-table--instances" aria-label="Instances">
        <thead>
          <tr>
            <th scope="col" className="pc-col-check">
              <input
                type="checkbox"
                aria-label="Select all instances"
                checked={areAllChosen}
                onChange={() => onChoose(new Set(areAllChosen ? [] : tasks.map((t) => t.id)))}
              />
            </th>
            <th scope="col">Id</th>
            <th scope="col">Address</th>
            <th scope="col">State</th>
            <th scope="col">Health</th>
            <th scope="col" className="pc-wide">
              Version
            </th>
            <th scope="col" className="pc-num">
              Age
            </th>
            <th scope="col" className="pc-col-actions">
              <span className="pc-sr">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {tasks.map((task) => (
            <TaskRow
              key={task.id}
              app={app}
              task={task}
              nowMs={nowMs}
              isChosen={chosen.has(task.id)}
              onToggle={() => toggle(task.id)}
              onKill={onKill}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface TaskRowProps {
  readonly app: App;
  readonly task: Task;
  readonly nowMs: number;
  readonly isChosen: boolean;
  readonly onToggle: () => void;
  readonly onKill: (request: KillRequest) => void;
}

function TaskRow({ app, task, nowMs, isChosen, onToggle, onKill }: TaskRowProps) {
  const started = task.startedAt ?? task.stagedAt;
  return (
    <tr data-chosen={isChosen}>
      <td className="pc-col-check pc-area-check">
        <input
          type="checkbox"
          aria-label={`Select ${task.id}`}
          checked={isChosen}
          onChange={onToggle}
        />
      </td>
      <td className="pc-col-id pc-area-id">
        <Link className="pc-mono pc-cut" to={logsAddress(task)} title={task.id}>
          {task.id}
        </Link>
      </td>
      <td className="pc-mono pc-area-address">
        <Endpoints task={task} />
      </td>
      <td className="pc-area-state">
        <TaskStateCell task={task} nowMs={nowMs} />
      </td>
      <td className="pc-area-health">
        <TaskHealthCell task={task} />
      </td>
      <td className="pc-wide pc-dim pc-col-version" title={task.version}>
        {formatTimestamp(task.version)}
        {isOldVersion(app, task) && <span className="pc-chip">old</span>}
      </td>
      <td className="pc-num pc-area-age" title={formatTimestamp(started)}>
        {formatAge(started, nowMs)}
      </td>
      <td className="pc-col-actions pc-area-menu">
        <TaskMenu task={task} onKill={onKill} />
      </td>
    </tr>
  );
}

function Endpoints({ task }: { readonly task: Task }) {
  const endpoints = taskEndpoints(task);
  if (endpoints.length === 0) {
    return '—';
  }
  const hasPorts = (task.ports ?? []).length > 0;
  return (
    <span className="pc-endpoints">
      {endpoints.map((endpoint) =>
        hasPorts ? (
          <a key={endpoint} href={`http://${endpoint}`} target="_blank" rel="noreferrer">
            {endpoint}
          </a>
        ) : (
          <span key={endpoint}>{endpoint}</span>
        ),
      )}
    </span>
  );
}

function TaskStateCell({ task, nowMs }: { readonly task: Task; readonly nowMs: number }) {
  const leftMs = drainLeftMs(task, nowMs);
  if (leftMs !== undefined) {
    return (
      <Tooltip
        label="Out of rotation; killed once every router is done, at the latest then"
        withArrow
      >
        <span className="pc-tag pc-tag--draining">Draining, {formatDuration(leftMs)} left</span>
      </Tooltip>
    );
  }
  const kind = task.state.replace(/^TASK_/, '').toLowerCase();
  return <span className={`pc-tag pc-tag--${kind}`}>{taskStateWords(task.state)}</span>;
}

function TaskHealthCell({ task }: { readonly task: Task }) {
  const health = taskHealth(task);
  const causes = healthCauses(task);
  const cause = causes.join('; ');
  return (
    <>
      <span className={`pc-tag pc-tag--${health.toLowerCase()}`}>{health}</span>
      {cause !== '' && (
        <span className="pc-dim pc-cause" title={cause}>
          {cause}
        </span>
      )}
    </>
  );
}

function TaskMenu(props: { readonly task: Task; readonly onKill: (request: KillRequest) => void }) {
  const { task, onKill } = props;
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={`Actions for ${task.id}`}>
          <Icon name="dots" />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item component={Link} to={logsAddress(task)} leftSection={<Icon name="logs" />}>
          Logs
        </Menu.Item>
        <MayChange>
          <Menu.Divider />
          <Menu.Item
            leftSection={<Icon name="restart" />}
            onClick={() => onKill({ ids: [task.id], scale: false })}
          >
            Kill
          </Menu.Item>
          <Menu.Item
            color="red"
            leftSection={<Icon name="stop" />}
            onClick={() => onKill({ ids: [task.id], scale: true })}
          >
            Kill and scale
          </Menu.Item>
        </MayChange>
      </Menu.Dropdown>
    </Menu>
  );
}

export function logsAddress(task: { readonly id: string; readonly appId: string }): string {
  return `/apps${task.appId}?tab=logs&task=${encodeURIComponent(task.id)}`;
}

/** Old is what was started before the configuration last changed; scaling makes nothing old. */
function isOldVersion(app: App, task: Task): boolean {
  const changedAt = app.versionInfo?.lastConfigChangeAt ?? '';
  return task.version !== undefined && changedAt !== '' && task.version < changedAt;
}
