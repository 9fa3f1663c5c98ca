import { Button, Group, Modal, Text } from '@mantine/core';
import { Link } from 'react-router';
import type { ApiError } from '../api/api-error.js';

interface LockedDialogProps {
  readonly lock: { readonly label: string; readonly error: ApiError } | undefined;
  readonly onAnswer: (force: boolean) => void;
}

/** Offers to force what the server refused because a deployment holds the app. */
export function LockedDialog({ lock, onAnswer }: LockedDialogProps) {
  return (
    <Modal
      opened={lock !== undefined}
      onClose={() => onAnswer(false)}
      title="Another deployment is in progress"
      closeButtonProps={{ 'aria-label': 'Close' }}
      zIndex={400}
    >
      <Text size="sm">{lock?.error.message}</Text>
      <Text size="sm" mt="xs">
        Held by{' '}
        {lock?.error.lockedBy.map((id) => (
          <Link key={id} to="/deployments" onClick={() => onAnswer(false)} className="pc-mono">
            {id}
          </Link>
        ))}
        . Forcing stops that deployment where it stands and applies your change ({lock?.label}).
      </Text>
      <Group justify="flex-end" mt="lg">
        <Button variant="default" onClick={() => onAnswer(false)} data-autofocus>
          Wait
        </Button>
        <Button color="red" onClick={() => onAnswer(true)}>
          Force
        </Button>
      </Group>
    </Modal>
  );
}
