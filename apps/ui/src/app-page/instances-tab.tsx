import { Button } from '@mantine/core';
import { useMemo, useState } from 'react';
import { useMayChange } from '../api/access.js';
import { change } from '../api/api-client.js';
import type { App } from '../api/api-types.js';
import { useRunChange } from '../api/changes.js';
import { plural } from '../format/quantities.js';
import { EmptyPanel } from '../shell/states.js';
import { InstancesTable } from './instances-table.js';
import { KillDialog, type KillRequest } from './kill-dialog.js';
import { sortTasks } from './task-view.js';

export function InstancesTab({ app }: { readonly app: App }) {
  const run = useRunChange();
  const mayChange = useMayChange();
  const tasks = useMemo(() => sortTasks(app.tasks ?? []), [app.tasks]);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [request, setRequest] = useState<KillRequest>();
  const selected = tasks.filter((task) => chosen.has(task.id)).map((task) => task.id);

  if (tasks.length === 0) {
    return app.instances === 0 ? (
      <EmptyPanel
        icon="pause"
        title="Suspended"
        text="No instance is wanted. Scale up to start some."
      />
    ) : (
      <EmptyPanel
        icon="clock"
        title="No instance"
        text={`${plural(app.instances, 'instance')} wanted; none is there.`}
      />
    );
  }

  const kill = ({ ids, scale, atOnce = false }: KillRequest) => {
    setRequest(undefined);
    setChosen(new Set());
    void run({
      label: scale
        ? `Kill ${plural(ids.length, 'instance')} and scale down`
        : `Kill ${plural(ids.length, 'instance')}`,
      send: ({ force }) =>
        change('POST', '/v2/tasks/delete', {
          ...{ body: { ids }, query: { scale }, force: force || atOnce },
        }),
    });
  };

  return (
    <>
      {mayChange && selected.length > 0 && (
        <div className="pc-selection">
          <span>{plural(selected.length, 'instance')} selected</span>
          <Button
            size="compact-xs"
            variant="default"
            onClick={() => setRequest({ ids: selected, scale: false })}
          >
            Kill selected
          </Button>
          <Button
            size="compact-xs"
            variant="default"
            onClick={() => setRequest({ ids: selected, scale: true })}
          >
            Kill selected and scale
          </Button>
        </div>
      )}
      <InstancesTable
        app={app}
        tasks={tasks}
        chosen={chosen}
        onChoose={setChosen}
        onKill={setRequest}
      />
      {request && (
        <KillDialog request={request} onClose={() => setRequest(undefined)} onConfirm={kill} />
      )}
    </>
  );
}
