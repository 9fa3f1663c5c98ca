import { Button, Group, Text } from '@mantine/core';
import { Link } from 'react-router';
import type { ApiError } from '../api/api-error.js';
import { Dialog } from '../shell/dialog.js';

interface LockedDialogProps {
  readonly label: string;
  readonly error: ApiError;
  readonly onAnswer: (force: boolean) => void;
}

/** Offers to force what the server refused because a deployment holds the app. */
export function LockedDialog({ label, error, onAnswer }: LockedDialogProps) {
  return (
    <Dialog onClose={() => onAnswer(false)} title="Another deployment is in progress" zIndex={400}>
      <Text size="sm">{error.message}</Text>
      <Text size="sm" mt="xs">
        Held by{' '}
        {error.lockedBy.map((id) => (
          <Link key={id} to="/deployments" onClick={() => onAnswer(false)} className="pc-mono">
            {id}
          </Link>
        ))}
        . Forcing stops that deployment where it stands and applies your change ({label}).
      </Text>
      <Group justify="flex-end" mt="lg">
        <Button variant="default" onClick={() => onAnswer(false)} data-autofocus>
          Wait
        </Button>
        <Button color="red" onClick={() => onAnswer(true)}>
          Force
        </Button>
      </Group>
    </Dialog>
  );
}
