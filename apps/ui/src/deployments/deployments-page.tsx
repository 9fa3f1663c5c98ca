import { useState } from 'react';
import type { Deployment } from '../api/api-types.js';
import { useDeployments } from '../api/queries.js';
import { plural } from '../format/quantities.js';
import { EmptyPanel, ErrorPanel, LoadingRows } from '../shell/states.js';
import { DeploymentCard } from './deployment-card.js';
import { EndDeploymentDialog, type EndRequest } from './end-deployment-dialog.js';

export function DeploymentsPage() {
  const deployments = useDeployments();
  const [request, setRequest] = useState<EndRequest>();
  return (
    <div className="pc-page">
      <title>Deployments · Pacer</title>
      <div className="pc-toolbar">
        <h1>Deployments</h1>
        <span className="pc-dim" aria-live="polite">
          {deployments.data ? `${plural(deployments.data.length, 'deployment')} in progress` : ''}
        </span>
      </div>
      {deployments.data ? (
        <DeploymentList deployments={deployments.data} onEnd={setRequest} />
      ) : deployments.error ? (
        <ErrorPanel title="The deployments cannot be shown" error={deployments.error} />
      ) : (
        <LoadingRows label="Loading deployments" />
      )}
      {request && <EndDeploymentDialog request={request} onClose={() => setRequest(undefined)} />}
    </div>
  );
}

interface DeploymentListProps {
  readonly deployments: readonly Deployment[];
  readonly onEnd: (request: EndRequest) => void;
}

function DeploymentList({ deployments, onEnd }: DeploymentListProps) {
  if (deployments.length === 0) {
    return (
      <EmptyPanel
        icon="rollout"
        title="Nothing is being deployed"
        text="Creating, changing, scaling and restarting applications shows here step by step."
      />
    );
  }
  return (
    <ul className="pc-deployments" aria-label="Deployments">
      {deployments.map((deployment) => (
        <li key={deployment.id}>
          <DeploymentCard deployment={deployment} onEnd={onEnd} />
        </li>
      ))}
    </ul>
  );
}
