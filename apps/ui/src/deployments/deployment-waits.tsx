import type { Deployment } from '../api/api-types.js';

/** Why the current step has not finished, as the server says. */
export function DeploymentWaits({ deployment }: { readonly deployment: Deployment }) {
  const reasons = deployment.waitingFor ?? [];
  if (reasons.length === 0) {
    return null;
  }
  return (
    <div className="pc-waits">
      <span className="pc-dim">Waiting for</span>
      <ul className="pc-reasons">
        {reasons.map((reason) => (
          <li key={reason}>{reason}</li>
        ))}
      </ul>
    </div>
  );
}
