import { Button } from '@mantine/core';
import { change, resourcePath } from '../api/api-client.js';
import type { ChangeResult, Deployment } from '../api/api-types.js';
import { useRunChange } from '../api/changes.js';
import { affectedIds, type DeploymentControl, deploymentControls } from './deployment-progress.js';
import type { EndRequest } from './end-deployment-dialog.js';

const LABELS: Readonly<Record<DeploymentControl, string>> = {
  pause: 'Pause',
  resume: 'Resume',
  promote: 'Promote',
  abort: 'Abort',
};

interface DeploymentControlsProps {
  readonly deployment: Deployment;
  readonly onEnd: (request: EndRequest) => void;
}

/** What can be told to a deployment as it stands. */
export function DeploymentControls({ deployment, onEnd }: DeploymentControlsProps) {
  const run = useRunChange();
  const send = (control: DeploymentControl): void => {
    if (control === 'abort') {
      onEnd({ kind: 'roll back', deployment });
      return;
    }
    const path = `${resourcePath('/v2/deployments', deployment.id)}/${control}`;
    void run({
      label: `${LABELS[control]} the deployment of ${affectedIds(deployment).join(', ')}`,
      send: () => change<ChangeResult>('POST', path),
    });
  };
  return deploymentControls(deployment).map((control) => (
    <Button
      key={control}
      variant={control === 'promote' || control === 'resume' ? 'filled' : 'default'}
      onClick={() => send(control)}
    >
      {LABELS[control]}
    </Button>
  ));
}
