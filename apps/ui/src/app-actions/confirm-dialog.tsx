import { Button, Group, Modal, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useLocation, useNavigate } from 'react-router';
import { change, resourcePath } from '../api/api-client.js';
import type { App, ChangeResult } from '../api/api-types.js';
import { useRunChange } from '../api/changes.js';
import { parentOf } from '../apps/app-tree.js';
import { type AppAction, effectOf } from './action-effects.js';

/** Destroying more instances than this asks for the name to be typed. */
const TYPED_NAME_ABOVE = 10;

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

/** States the effect of a restart, suspension or destruction and asks before it happens. */
export function ConfirmDialog({ action, app, onClose }: ConfirmDialogProps) {
  const run = useRunChange();
  const navigate = useNavigate();
  const location = useLocation();
  const [typed, setTyped] = useState('');
  const verb = VERBS[action];
  const present = (app.tasksRunning ?? 0) + (app.tasksStaged ?? 0);
  const needsName = action === 'destroy' && present > TYPED_NAME_ABOVE;
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
    <Modal
      opened
      onClose={onClose}
      title={`${verb} ${app.id}`}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <Text size="sm">{effectOf(action, app)}</Text>
      {needsName && (
        <TextInput
          mt="md"
          label={`Type ${app.id} to confirm`}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          data-autofocus
        />
      )}
      <Group justify="flex-end" mt="lg">
        <Button variant="default" onClick={onClose}>
          Cancel
        </Button>
        <Button
          color={action === 'restart' ? 'teal' : 'red'}
          disabled={!isReady}
          onClick={() => void submit()}
          {...(needsName ? {} : { 'data-autofocus': true })}
        >
          {verb}
        </Button>
      </Group>
    </Modal>
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
