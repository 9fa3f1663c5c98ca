import { Button, Checkbox, Group, Text } from '@mantine/core';
import { useState } from 'react';
import { plural } from '../format/quantities.js';
import { Dialog } from '../shell/dialog.js';

export interface KillRequest {
  readonly ids: readonly string[];
  /** Whether the wanted number goes down too; otherwise replacements start. */
  readonly scale: boolean;
  /** Without leaving rotation and being drained first. */
  readonly atOnce?: boolean;
}

interface KillDialogProps {
  readonly request: KillRequest;
  readonly onClose: () => void;
  readonly onConfirm: (request: KillRequest) => void;
}

export function KillDialog({ request, onClose, onConfirm }: KillDialogProps) {
  const count = plural(request.ids.length, 'instance');
  const [atOnce, setAtOnce] = useState(false);
  return (
    <Dialog
      onClose={onClose}
      title={request.scale ? `Kill ${count} and scale down` : `Kill ${count}`}
    >
      <Text size="sm">
        {request.scale
          ? `Kills ${count} and lowers the wanted number by ${request.ids.length}; nothing replaces them.`
          : `Kills ${count}. The wanted number stays, so replacements start.`}
      </Text>
      {!request.scale && (
        <Checkbox
          mt="md"
          label="At once"
          description="What they are answering is cut off; otherwise they are drained first."
          checked={atOnce}
          onChange={(event) => setAtOnce(event.currentTarget.checked)}
        />
      )}
      <Group justify="flex-end" mt="lg">
        <Button variant="default" onClick={onClose} data-autofocus>
          Cancel
        </Button>
        <Button color="red" onClick={() => onConfirm({ ...request, atOnce })}>
          {request.scale ? 'Kill and scale' : 'Kill'}
        </Button>
      </Group>
    </Dialog>
  );
}
