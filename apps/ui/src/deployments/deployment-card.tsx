import { Button } from '@mantine/core';
import { Link } from 'react-router';
import { MayChange } from '../api/access.js';
import type { Deployment } from '../api/api-types.js';
import { formatAge, formatTimestamp } from '../format/durations.js';
import { Icon } from '../shell/icons.js';
import { useNow } from '../shell/use-now.js';
import { DeploymentControls } from './deployment-controls.js';
import {
  affectedIds,
  deploymentBadge,
  deploymentSteps,
  progressPercent,
  type StepView,
} from './deployment-progress.js';
import { DeploymentWaits } from './deployment-waits.js';
import type { EndRequest } from './end-deployment-dialog.js';
import { ProgressBar } from './progress-bar.js';

/** Steps drawn at once; a deployment of a big group has hundreds. */
const MAX_STEPS = 20;

interface DeploymentCardProps {
  readonly deployment: Deployment;
  readonly onEnd: (request: EndRequest) => void;
}

export function DeploymentCard({ deployment, onEnd }: DeploymentCardProps) {
  const nowMs = useNow();
  const ids = affectedIds(deployment);
  const badge = deploymentBadge(deployment);
  return (
    <article className="pc-card pc-deployment" aria-label={`Deployment ${deployment.id}`}>
      <header>
        <div className="pc-deployment-apps">
          {ids.map((id) => (
            <Link key={id} to={`/apps${id}`}>
              {id}
            </Link>
          ))}
        </div>
        <MayChange>
          <div className="pc-app-buttons">
            <DeploymentControls deployment={deployment} onEnd={onEnd} />
            <EndButtons deployment={deployment} onEnd={onEnd} />
          </div>
        </MayChange>
      </header>
      <div className="pc-deployment-progress">
        <ProgressBar
          percent={progressPercent(deployment)}
          label={`Progress of deployment ${deployment.id}`}
        />
        <span>
          {badge === undefined ? '' : `${badge} · `}
          Step {deployment.currentStep} of {deployment.totalSteps}
        </span>
      </div>
      <Steps steps={deploymentSteps(deployment)} />
      <DeploymentWaits deployment={deployment} />
      <footer className="pc-dim">
        <span className="pc-mono">{deployment.id}</span>
        <span title={formatTimestamp(deployment.version)}>
          started {formatAge(deployment.version, nowMs)} ago
          {deployment.by === undefined ? '' : ` by ${deployment.by}`}
          {deployment.reason === undefined ? '' : ` · ${deployment.reason}`}
        </span>
      </footer>
    </article>
  );
}

function EndButtons({ deployment, onEnd }: DeploymentCardProps) {
  return (
    <>
      <Button
        variant="default"
        leftSection={<Icon name="rollback" />}
        onClick={() => onEnd({ kind: 'roll back', deployment })}
      >
        Roll back
      </Button>
      <Button
        variant="default"
        leftSection={<Icon name="x" />}
        onClick={() => onEnd({ kind: 'cancel', deployment })}
      >
        Cancel deployment
      </Button>
    </>
  );
}

function Steps({ steps }: { readonly steps: readonly StepView[] }) {
  const current = steps.findIndex((step) => step.state === 'current');
  const first = Math.max(0, Math.min(current - 2, steps.length - MAX_STEPS));
  const shown = steps.slice(first, first + MAX_STEPS);
  const after = steps.length - first - shown.length;
  return (
    <ol className="pc-steps" aria-label="Steps">
      {first > 0 && <li className="pc-step pc-dim">{first} earlier steps</li>}
      {shown.map((step) => (
        <li
          key={step.number}
          className="pc-step"
          data-state={step.state}
          {...(step.state === 'current' ? { 'aria-current': 'step' as const } : {})}
        >
          <span className="pc-step-mark" aria-hidden="true">
            {step.state === 'done' ? <Icon name="check" size={12} /> : step.number}
          </span>
          <span>
            {step.actions.map((action) => `${action.verb} ${action.target}`).join(', ')}
            <span className="pc-sr"> ({step.state})</span>
          </span>
        </li>
      ))}
      {after > 0 && <li className="pc-step pc-dim">{after} more steps</li>}
    </ol>
  );
}
