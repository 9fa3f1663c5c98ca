import { Button, Group, Text } from '@mantine/core';
import { useState } from 'react';
import { useLocation, useNavigate } from 'react-router';
import { change, resourcePath } from '../api/api-client.js';
import type { App, ChangeResult } from '../api/api-types.js';
import { useRunChange } from '../api/changes.js';
import { parentOf } from '../apps/app-tree.js';
import { Dialog } from '../shell/dialog.js';
import { type AppAction, effectOf } from './action-effects.js';
import { asksForName, TypedName } from './typed-name.js';

const VERBS: Readonly<Record<AppAction, string>> = {
  restart: 'Restart',
  suspend: 'Suspend',
  destroy: 'Destroy',
};

interface ConfirmDialogProps {
  readonly action: AppAction;
  readonly app: App;
  readonly onClose: () => void;
}

/** States the effect of a restart, suspension or destruction and asks before it happens. Enter alone changes nothing. */
export function ConfirmDialog({ action, app, onClose }: ConfirmDialogProps) {
  const run = useRunChange();
  const navigate = useNavigate();
  const location = useLocation();
  const [typed, setTyped] = useState('');
  const verb = VERBS[action];
  const present = (app.tasksRunning ?? 0) + (app.tasksStaged ?? 0);
  const needsName = action === 'destroy' && asksForName(present);
  const isReady = !needsName || typed.trim() === app.id;

  const submit = async () => {
    onClose();
    const isDone = await run({
      label: `${verb} ${app.id}`,
      send: ({ force }) => sendAction(action, app.id, force),
    });
    if (isDone && action === 'destroy' && location.pathname.startsWith(`/apps${app.id}`)) {
      const parent = parentOf(app.id);
      void navigate(parent === '/' ? '/apps' : `/group${parent}`);
    }
  };

  return (
    <Dialog onClose={onClose} title={`${verb} ${app.id}`}>
      <Text size="sm">{effectOf(action, app)}</Text>
      {needsName && <TypedName name={app.id} typed={typed} onType={setTyped} />}
      <Group justify="flex-end" mt="lg">
        <Button
          variant="default"
          onClick={onClose}
          {...(needsName ? {} : { 'data-autofocus': true })}
        >
          Cancel
        </Button>
        <Button
          color={action === 'restart' ? 'teal' : 'red'}
          disabled={!isReady}
          onClick={() => void submit()}
        >
          {verb}
        </Button>
      </Group>
    </Dialog>
  );
}

function sendAction(action: AppAction, id: string, force: boolean): Promise<ChangeResult> {
  const path = resourcePath('/v2/apps', id);
  switch (action) {
    case 'restart':
      return change('POST', `${path}/restart`, { force });
    case 'suspend':
      return change('PUT', path, { body: { instances: 0 }, force });
    case 'destroy':
      // The API forces deletions unless told otherwise; we would rather ask.
      return change('DELETE', path, force ? { force } : { query: { force: false } });
    default:
      return action satisfies never;
  }
}
