import { Button, Group, Text } from '@mantine/core';
import { change, resourcePath } from '../api/api-client.js';
import type { Deployment } from '../api/api-types.js';
import { useRunChange } from '../api/changes.js';
import { Dialog } from '../shell/dialog.js';
import { affectedIds } from './deployment-progress.js';

export interface EndRequest {
  readonly kind: 'roll back' | 'cancel';
  readonly deployment: Deployment;
}

interface EndDeploymentDialogProps {
  readonly request: EndRequest;
  readonly onClose: () => void;
}

export function EndDeploymentDialog({ request, onClose }: EndDeploymentDialogProps) {
  const run = useRunChange();
  const { kind, deployment } = request;
  const isRollback = kind === 'roll back';
  const apps = affectedIds(deployment).join(', ');
  const submit = () => {
    onClose();
    void run({
      label: isRollback ? `Roll back ${apps}` : `Cancel the deployment of ${apps}`,
      // Without force the API starts a deployment that undoes this one; with it, it only stops.
      send: () =>
        change('DELETE', resourcePath('/v2/deployments', deployment.id), { force: !isRollback }),
    });
  };
  return (
    <Dialog
      onClose={onClose}
      title={isRollback ? 'Roll back this deployment' : 'Cancel this deployment'}
    >
      <Text size="sm">
        {isRollback
          ? `Stops the deployment and starts another that brings ${apps} back to the configuration before it.`
          : `Stops the deployment where it stands. ${apps} may be left with a mixture of old and new instances.`}
      </Text>
      <Group justify="flex-end" mt="lg">
        <Button variant="default" onClick={onClose} data-autofocus>
          Keep deploying
        </Button>
        <Button color="red" onClick={submit}>
          {isRollback ? 'Roll back' : 'Cancel deployment'}
        </Button>
      </Group>
    </Dialog>
  );
}
